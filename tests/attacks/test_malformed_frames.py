"""Whatever bytes a client sends: it is told, others notice nothing, no fault of ours ends a connection."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.realtime.wire import RawSocket
from tests.support.boards import Board
from tests.support.metrics import read_metrics
from tests.support.people import EDITOR, VIEWER
from tests.support.sockets import Socket
from tests.support.stack import Stack

OURS = [
    *("ack", "error", "hello", "heartbeat", "system:polling", "system:draining", "system:banner"),
    *(
        "presence:joined",
        "presence:left",
        "presence:updated",
        "task:created",
        "member:removed",
        "project:deleted",
    ),
]
UNKNOWN = [
    "x",
    "project",
    "project:",
    ":join",
    "project:join:x",
    "gateway.bell",
    "websocket.close",
    "__class__",
]
WRONG_KINDS: list[object] = [None, True, 7, -1, 1.5, 2**70, "", [], {}, ["x"], {"a": 1}, "x" * 9000]


@pytest.fixture
def socket(stack: Stack) -> Iterator[Socket]:
    opened = stack.socket(EDITOR)
    yield opened
    opened.close()


def code_for(socket: Socket, text: str | bytes) -> str:
    """Send it, read the error that answers it, and prove that the socket lives on."""
    socket.send_raw(text)
    code = str(socket.wait_for("error")["data"]["code"])
    assert socket.request("ping")["event"] == "ack"
    return code


BAD_FRAMES: dict[str, str | bytes] = {
    "empty": "",
    "spaces": "   ",
    "no JSON": "ping",
    "half JSON": '{"event":"ping"',
    "two values": '{"event":"ping"}{"event":"ping"}',
    "an array": '[{"event":"ping"}]',
    "a number": "7",
    "null": "null",
    "no event": "{}",
    "NaN": '{"event":"ping","data":{"x":NaN}}',
    "Infinity": '{"event":"ping","data":{"x":-Infinity}}',
    "a lone surrogate": '{"event":"ping","data":{"x":"\\ud800"}}',
    "nested arrays": "[" * 60_000,
    "nested objects": '{"event":"ping","data":' + '{"a":' * 12_000,
    "closed nesting": '{"event":"ping","data":{"x":' + "[" * 30_000 + "]" * 30_000 + "}}",
    "a long event": json.dumps({"event": "x" * 200}),
    "a huge id": '{"id":1180591620717411303424,"event":"ping"}',
    "an object for an id": '{"id":{},"event":"ping"}',
    "an array for data": '{"event":"ping","data":[]}',
    "binary": b'{"event":"ping"}',
    "binary zeros": b"\x00" * 100,
    "empty binary": b"",
    "a nul": "\x00",
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_is_answered_and_the_connection_stays(socket: Socket, name: str) -> None:
    assert code_for(socket, BAD_FRAMES[name]) == "bad-frame"


@pytest.mark.parametrize("event", [*OURS, *UNKNOWN])
def test_events_that_clients_do_not_send_are_unknown(socket: Socket, event: str) -> None:
    """A client's word must never become a message of the server's own."""
    answer = socket.request(event, {"type": "gateway.bell", "kind": "event"})
    assert (answer["event"], answer["data"]["code"]) == ("error", "unknown-event")


def test_every_field_of_every_command_may_be_of_any_kind(socket: Socket, board: Board) -> None:
    socket.join(board.id)
    wanted = {
        "auth": ["token"],
        "project:join": ["projectId", "since"],
        "project:leave": ["projectId"],
        "presence:update": ["projectId"],
    }
    for event, fields in wanted.items():
        for field in fields:
            for value in WRONG_KINDS:
                if (field, value) == ("since", None) or (field, value) == ("since", 7):
                    continue
                data = {"projectId": board.id, "state": 1, field: value}
                if field == "token" and isinstance(value, str) and value:
                    continue  # a string is a token, and one that does not hold ends the connection
                answer = socket.request(event, data)
                assert answer["event"] == "error", (event, data)
                assert answer["data"]["code"] in {"bad-frame", "not-found"}, (event, data, answer)
    assert socket.request("status")["data"]["rooms"] == [board.id]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    frame=st.fixed_dictionaries(
        {
            "event": st.sampled_from(
                ["auth", "ping", "status", "project:join", "project:leave", "presence:update"]
            )
        },
        optional={
            "data": st.dictionaries(
                st.sampled_from(["projectId", "since", "state", "x"]),
                st.none()
                | st.booleans()
                | st.integers()
                | st.text(max_size=40)
                | st.lists(st.integers(), max_size=3),
                max_size=4,
            )
        },
    )
)
def test_any_command_with_any_data_gets_one_answer(socket: Socket, frame: dict[str, object]) -> None:
    answer = socket.request(str(frame["event"]), frame.get("data"))
    assert answer["event"] in ("ack", "error")
    if answer["event"] == "error":
        assert answer["data"]["code"] in {"bad-frame", "not-found", "not-joined"}


def test_a_frame_of_64_kib_is_read_and_one_more_byte_ends_the_connection(stack: Stack) -> None:
    socket = stack.socket(EDITOR)
    frame = '{"id":1,"event":"ping","data":{"x":"' + "x" * 65_536
    socket.send_raw(frame[: 65_536 - 3] + '"}}')
    assert socket.wait_for("ack")["id"] == 1
    socket.send_raw(frame[: 65_537 - 3] + '"}}')
    assert socket.wait_closed() == 1009


def test_a_large_message_in_many_small_parts_ends_the_connection_too(stack: Stack) -> None:
    with RawSocket(stack.second.ws_url) as raw:
        raw.send(1, b"x" * 1000, final=False)
        for _ in range(66):
            raw.send(0, b"x" * 1000, final=False)
        assert raw.close_code() == 1009


def test_a_message_in_parts_is_one_frame(stack: Stack) -> None:
    with RawSocket(stack.second.ws_url) as raw:
        assert raw.frame()[0] == 1
        for part, final in ((b'{"id":1,"ev', False), (b'ent":"pi', False), (b'ng"}', True)):
            raw.send(0 if part != b'{"id":1,"ev' else 1, part, final)
        assert json.loads(raw.frame()[1])["event"] == "ack"


def test_text_that_is_no_utf8_is_never_a_fault_of_ours(stack: Stack) -> None:
    """RFC 6455, section 8.1: whoever finds such text fails the connection; 1007 says why."""
    with RawSocket(stack.second.ws_url) as raw:
        raw.send(1, b'{"event":"\xff\xfe"}')
        assert raw.close_code() == 1007


@pytest.mark.parametrize("opcode", [3, 7, 11])
def test_bytes_that_are_no_websocket_end_one_connection_by_the_protocols_own_code(
    stack: Stack, opcode: int
) -> None:
    with RawSocket(stack.second.ws_url) as raw:
        raw.send(opcode, b"x")
        assert raw.close_code() == 1002


def test_nobody_else_notices(stack: Stack, board: Board) -> None:
    """And what the attacker sent is nowhere in the log as an error of ours."""
    logged = {gateway: len(gateway.log.read_text()) for gateway in stack.gateways}
    member, attacker = stack.socket(VIEWER), stack.socket(EDITOR)
    member.join(board.id)
    for text in BAD_FRAMES.values():
        attacker.send_raw(text)
    board.add_task()
    assert member.wait_for("task:created", seconds=2)
    attacker.request("ping")
    assert sum(frame["event"] == "error" for frame in attacker.frames) == len(BAD_FRAMES)
    with RawSocket(stack.second.ws_url) as raw:
        raw.send(1, b"\xff")
        raw.close_code()
    for gateway, before in logged.items():
        assert gateway.log.read_text()[before:] == ""


def test_close_codes_that_clients_choose_are_no_labels(stack: Stack) -> None:
    """A thousand codes would be a thousand time series, kept for ever."""
    for code in (3000, 3517, 4242, 4999):
        socket = stack.socket(EDITOR)
        socket.connection.close(code, "bye")
        socket.close()
    found = read_metrics(stack.second.http_url)
    assert not [series for series in found if 'code="3517"' in series or 'code="4242"' in series]
