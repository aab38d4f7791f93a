"""JSON from clients: within bounds it is what was written, beyond them a sentence that names the bound."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import limits
from realtime import bounded_json
from realtime.bodies import MAX_BODY_BYTES
from realtime.bounded_json import MAX_DEPTH, MAX_VALUES
from realtime.protocol import ErrorCode, FrameError, parse
from realtime.socketio_packets import read_command, read_socket_packet


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return f"{opening * depth}1{closing * depth}"


def test_as_deep_as_allowed_is_read_and_written_again() -> None:
    value = bounded_json.loads(nested(MAX_DEPTH))
    assert orjson.dumps([{"data": value}])


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 1024, 5000, 120_000])
@pytest.mark.parametrize("shape", ["[]", '{"a":}'], ids=["arrays", "objects"])
def test_deeper_is_refused(depth: int, shape: str) -> None:
    with pytest.raises(ValueError, match=r"levels|depth"):
        bounded_json.loads(nested(depth, shape[:-1], shape[-1]))


def test_as_many_values_as_allowed_are_read_and_one_more_is_refused() -> None:
    assert len(bounded_json.loads(json.dumps([0] * (MAX_VALUES - 1)))) == MAX_VALUES - 1
    wide: list[Any] = [
        [0] * MAX_VALUES,
        {str(number): 0 for number in range(MAX_VALUES)},
        [[0, 0]] * (MAX_VALUES // 3 + 1),
        [[[]] * 300] * 300,
    ]
    for many in wide:
        with pytest.raises(ValueError, match=f"at most {MAX_VALUES} values"):
            bounded_json.loads(json.dumps(many))


@given(st.binary())
def test_any_bytes_are_a_value_or_a_refusal(data: bytes) -> None:
    with suppress(ValueError):
        bounded_json.loads(data)


def test_a_frame_beyond_the_bounds_is_refused_under_its_id() -> None:
    """Whoever waits for the answer to this frame gets it."""
    with pytest.raises(FrameError) as caught:
        parse(f'{{"id":7,"event":"ping","data":{{"x":{nested(200)}}}}}')
    assert (caught.value.code, caught.value.frame_id) == (ErrorCode.BAD_FRAME, 7)
    with pytest.raises(FrameError) as caught:
        read_command(read_socket_packet(f'27["ping",{{"x":{nested(200)}}}]'))
    assert (caught.value.code, caught.value.frame_id) == (ErrorCode.BAD_FRAME, 7)


def test_the_largest_task_fits_into_a_body_however_it_is_escaped() -> None:
    """A client may escape each character, a form does so."""
    character = "\N{BOMB}"
    task = {
        "title": character * limits.TITLE,
        "description": character * limits.DESCRIPTION,
        "labels": [f"{number:02}{character * (limits.LABEL - 2)}" for number in range(limits.LABELS)],
    }
    assert len(json.dumps(task)) < MAX_BODY_BYTES - 1000
    form = {**task, "labels": json.dumps(task["labels"], ensure_ascii=False)}
    assert len(urlencode(form)) < MAX_BODY_BYTES - 1000
