"""Frames: whatever a client sends is a command or a refusal, and nothing that ends its connection."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime import protocol
from realtime.protocol import MAX_SEQ, SAFE_INTEGER, Command, ErrorCode, FrameError, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
HALF_FRAMES = st.fixed_dictionaries(
    {}, optional={"id": JSON, "event": JSON | st.just("ping"), "data": JSON | st.just({})}
)
GOOD_IDS = [0, -1, 7, SAFE_INTEGER, -SAFE_INTEGER, "a", "x" * 64, "é", "7"]
BAD_IDS = [True, False, 1.5, SAFE_INTEGER + 1, -SAFE_INTEGER - 1, 2**70, "", "x" * 65, [], {}, [1]]


def parse_or_refuse(text: str | None) -> Command | FrameError:
    try:
        return parse(text)
    except FrameError as refused:
        return refused


def refusal(text: str | None) -> FrameError:
    with pytest.raises(FrameError) as caught:
        parse(text)
    return caught.value


def command(**data: Any) -> Command:
    return Command(1, "project:join", data)


@given(st.text())
def test_any_text_is_a_command_or_a_refusal(text: str) -> None:
    parse_or_refuse(text)


@given(JSON | HALF_FRAMES)
def test_any_json_is_a_command_or_a_refusal_that_can_be_sent(value: Any) -> None:
    """NaN and Infinity, which Python writes and browsers cannot read, are among the values."""
    found = parse_or_refuse(json.dumps(value))
    if isinstance(found, FrameError):
        sent = json.loads(protocol.error(found))
        assert sent["event"] == "error"
        assert sent["data"]["code"] == ErrorCode.BAD_FRAME
        assert ("id" in sent) == (found.frame_id is not None)
    else:
        assert json.loads(protocol.ack(found.id, {}))["id"] == found.id
        assert isinstance(found.data, dict)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "ping", "[]", "[1]", '"ping"', "7", "null", "true", "{", '{"event":"ping"', "\ufeff{}"),
        *('{"event":NaN}', '{"event":"ping","data":{"x":NaN}}', '{"event":"ping","data":{"x":Infinity}}'),
        *('{"event":"\\ud800"}', '{"event":"ping","data":{"x":"\\udfff"}}', '{"event":"\ud800"}'),
        *("[" * 60_000, '{"a":' * 60_000, '{"event":"ping","data":' + "[" * 30_000 + "]" * 30_000 + "}"),
        *("{}", '{"event":null}', '{"event":7}', '{"event":""}', '{"event":["ping"]}', '{"event":{}}'),
        *('{"event":"ping","data":[]}', '{"event":"ping","data":"x"}', '{"event":"ping","data":0}'),
        '{"event":"' + "x" * 101 + '"}',
    ],
    ids=lambda text: repr(text[:30]),
)
def test_a_bad_frame_is_told_so(text: str) -> None:
    refused = refusal(text)
    assert refused.code is ErrorCode.BAD_FRAME
    assert refused.message


def test_a_binary_message_is_told_so() -> None:
    assert "binary" in refusal(None).message


@pytest.mark.parametrize("frame_id", GOOD_IDS)
def test_an_id_comes_back_as_it_was(frame_id: int | str) -> None:
    found = parse(json.dumps({"id": frame_id, "event": "ping"}))
    assert json.loads(protocol.ack(found.id, {})) == {"id": frame_id, "event": "ack", "data": {}}


@pytest.mark.parametrize("frame_id", BAD_IDS)
def test_an_id_that_would_not_come_back_as_it_was_is_refused(frame_id: object) -> None:
    """A browser reads 2^53 + 1 as 2^53: its promise would wait for ever."""
    refused = refusal(json.dumps({"id": frame_id, "event": "ping"}))
    assert refused.code is ErrorCode.BAD_FRAME
    assert refused.frame_id is None


def test_a_refusal_carries_the_id_wherever_there_is_one() -> None:
    for rest in ({}, {"event": 7}, {"event": "ping", "data": []}):
        assert refusal(json.dumps({"id": "mine", **rest})).frame_id == "mine"


def test_data_may_be_left_out() -> None:
    for text in ('{"event":"ping"}', '{"event":"ping","data":null}', '{"event":"ping","data":{}}'):
        assert parse(text) == Command(None, "ping", {})


def test_unknown_keys_are_room_for_later_versions() -> None:
    assert parse('{"event":"ping","v":2,"data":{"x":1}}') == Command(None, "ping", {"x": 1})


@pytest.mark.parametrize("since", [0, 1, MAX_SEQ])
def test_a_cursor_is_a_whole_number(since: int) -> None:
    assert command(since=since).seq("since") == since


@pytest.mark.parametrize("text, number", [("41.0", 41), ("4.1e1", 41), ("-0.0", 0), ("410E-1", 41)])
def test_a_whole_number_is_one_however_it_is_written(text: str, number: int) -> None:
    """JSON has numbers and no integers; many languages write 41 as 41.0."""
    found = parse(f'{{"id":{text},"event":"project:join","data":{{"since":{text}}}}}')
    assert (found.id, found.seq("since")) == (number, number)
    assert json.loads(protocol.ack(found.id, {}))["id"] == number
    assert isinstance(found.id, int)


def test_a_cursor_may_be_left_out() -> None:
    assert command().seq("since") is None
    assert command(since=None).seq("since") is None


@pytest.mark.parametrize("since", [-1, -1.0, MAX_SEQ + 1, 1.5, "1", True, [], {}, float(2**70)])
def test_any_other_cursor_is_refused_before_it_reaches_the_database(since: object) -> None:
    with pytest.raises(FrameError, match=r"data\.since"):
        command(since=since).seq("since")


@pytest.mark.parametrize("value", [None, 7, "", "x" * 101, [], {}, True])
def test_a_text_of_the_wrong_kind_or_length_is_refused_by_name(value: object) -> None:
    with pytest.raises(FrameError, match=r"data\.projectId") as caught:
        command(projectId=value).text("projectId", 100)
    assert caught.value.frame_id == 1


def test_an_error_says_more_where_there_is_more_to_say() -> None:
    failure = FrameError(ErrorCode.RATE_LIMITED, "slow down", 7, retryAfterMs=12)
    data = {"code": "rate-limited", "message": "slow down", "retryAfterMs": 12}
    assert json.loads(protocol.error(failure)) == {"id": 7, "event": "error", "data": data}


@pytest.mark.parametrize("name", ["ai:summarised", "a:b", "a1-b:c-2", "x" * 40 + ":" + "y" * 40])
def test_event_names_are_namespace_and_verb(name: str) -> None:
    assert protocol.is_event_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "ai", ":", "ai:", ":x", "AI:x", "ai:X", "a:b:c", "1a:b", "a b:c", "ai:x\n", "x" * 41 + ":y", "é:x"],
)
def test_other_event_names_are_refused(name: str) -> None:
    assert not protocol.is_event_name(name)
