"""What a Socket.IO client may send that is not allowed: each is answered, at once and with its reason."""

import base64
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from realtime.socketio_packets import MAX_PACKETS
from tests.support.api import bearer
from tests.support.boards import Board
from tests.support.engineio import Polling, path, websocket
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.stack import Stack

# The database has no part in any of this.
pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
SOON_SECONDS = 1.0
TOO_LARGE = "42" + json.dumps(["ping", {"x": "x" * 70_000}])
MANY = ["42" + json.dumps(["ping", {}])] * 2000


@pytest.fixture
def client(stack: Stack) -> Iterator[Polling]:
    with Polling(stack.second.http_url) as polling:
        yield polling.let_in(stack.token(OWNER))


PAYLOADS = {
    "too many packets": (["6"] * (MAX_PACKETS + 1), 400),
    "over 64 KiB": ([TOO_LARGE], 413),
    "empty": ([""], 400),
    "an empty packet": (["3", ""], 400),
    "no packet": (["abc"], 400),
    "an unknown type": (["7"], 400),
    "a ping, which only a server sends": (["2"], 400),
    "an open, which only a server sends": (["0{}"], 400),
    "an upgrade, which only a WebSocket brings": (["5"], 400),
    "no base64": (["b?"], 400),
    "binary without a packet": (["b" + base64.b64encode(b"1").decode()], 400),
    "an unknown Socket.IO type": (["4abc"], 400),
    "a Socket.IO type beyond the last": (["47"], 400),
    "an event that is no array": (["42{}"], 400),
    "an event without a name": (["42[]"], 400),
    "an event that is no JSON": (['42["ping",'], 400),
    "an id that is no number": (['42abc["ping",{}]'], 400),
    "an id that no browser counts to": (['429007199254740992["ping",{}]'], 400),
    "an id of a hundred digits": (["42" + "9" * 100 + '["ping",{}]'], 400),
    "an event nested without end": (['42["ping",' + "[" * 20_000], 400),
    "NaN": (['42["ping",{"x":NaN}]'], 400),
    "a connect_error, which only a server sends": (['44{"message":"no"}'], 400),
    "attachments without number": (['45-["ping",{}]'], 400),
    "too many attachments": (['45999-["ping",{}]'], 400),
    "text in the place of an attachment": (['451-["ping",{"_placeholder":true,"num":0}]', "42[1]"], 400),
    "too many at once": (MANY, 400),
}


@pytest.mark.parametrize("is_polled", [False, True], ids=["no poll open", "a poll open"])
@pytest.mark.parametrize("case", PAYLOADS)
def test_a_payload_that_is_refused_is_answered_within_a_second(
    client: Polling, case: str, is_polled: bool
) -> None:
    packets, status = PAYLOADS[case]
    poll = client.begin_poll() if is_polled else None
    begun = time.monotonic()
    refused = client.post(*packets)
    assert time.monotonic() - begun < SOON_SECONDS
    assert (refused.status_code, refused.json()["code"]) == (status, 3)
    assert len(refused.json()["message"]) > 10
    if poll is not None:
        assert poll.answer().body == b"1"  # Engine.IO's CLOSE
    assert client.get().status_code == 400  # it cannot know what was carried out: it begins anew


def test_bytes_that_are_no_text_are_refused(client: Polling) -> None:
    answer = httpx.post(f"{client.url}{path(client.sid)}", content=b'42["ping",{"x":"\xff\xfe"}]')
    assert (answer.status_code, answer.json()["message"]) == (400, "a payload is text in UTF-8")


def test_a_body_in_chunks_is_read_as_any_other(client: Polling) -> None:
    answer = httpx.post(f"{client.url}{path(client.sid)}", content=iter([b'421["pi', b'ng",{}]']))
    assert answer.text == "ok"
    client.wait_for_start("431[")


REQUESTS = {
    "no EIO": ("GET", "transport=polling", 5),
    "EIO=3": ("GET", "EIO=3&transport=polling", 5),
    "EIO=abc": ("GET", "EIO=abc&transport=polling", 5),
    "no transport": ("GET", "EIO=4", 0),
    "an unknown transport": ("GET", "EIO=4&transport=webtransport", 0),
    "a WebSocket without one": ("GET", "EIO=4&transport=websocket", 3),
    "two transports": ("GET", "EIO=4&transport=polling&transport=websocket", 3),
    "JSONP": ("GET", "EIO=4&transport=polling&j=0", 3),
    "an unknown session": ("GET", "EIO=4&transport=polling&sid=abc", 1),
    "a POST to an unknown session": ("POST", "EIO=4&transport=polling&sid=abc", 1),
    "an empty session": ("GET", "EIO=4&transport=polling&sid=", 1),
    "a session that is no text": ("GET", "EIO=4&transport=polling&sid=%FF%00", 1),
    "a POST without a session": ("POST", "EIO=4&transport=polling", 2),
    "a PUT": ("PUT", "EIO=4&transport=polling", 2),
    "a DELETE of a session": ("DELETE", "EIO=4&transport=polling&sid={sid}", 2),
    "a session asked for as a WebSocket": ("GET", "EIO=4&transport=websocket&sid={sid}", 3),
    "no query": ("GET", "", 0),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_that_no_session_takes_is_told_why(client: Polling, case: str) -> None:
    method, query, code = REQUESTS[case]
    url = f"{client.url}/socket.io/?{query.format(sid=client.sid)}"
    answer = httpx.request(method, url, timeout=SOON_SECONDS)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert client.emit("ping", {})["at"]  # the session of another request is not touched by it


@pytest.mark.parametrize(
    "query", ["transport=websocket", "EIO=3&transport=websocket", "EIO=4", "EIO=4&transport=x"]
)
def test_a_websocket_that_is_no_session_is_refused_at_the_handshake(stack: Stack, query: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"{stack.second.ws_url}socket.io/?{query}", proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 400
    assert "code" in json.loads(refused.value.response.body)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_slash_at_the_end_of_the_path_may_be_left_out(stack: Stack, slash: str) -> None:
    url = f"{stack.second.http_url}/socket.io{slash}?EIO=4&transport=polling"
    sid = json.loads(httpx.get(url).text.removeprefix("0"))["sid"]
    assert httpx.post(f"{url}&sid={sid}", content=b"1").text == "ok"  # closed: it would count as open
    address = url.replace("http", "ws", 1).replace("polling", "websocket")
    with connect(address, proxy=None) as opened:
        assert str(opened.recv(5)).startswith('0{"sid"')


# --- connect_error -------------------------------------------------------------------------------

CONNECTS = {
    "40/admin,": ("/admin", "not-found"),
    '40/admin,{"token":"x"}': ("/admin", "not-found"),
    "40/admin?a=b,": ("/admin", "not-found"),
    "40{": ("/", "bad-frame"),
    "40[1]": ("/", "bad-frame"),
    '40"token"': ("/", "bad-frame"),
    "4017": ("/", "bad-frame"),
    '40{"token":5}': ("/", "bad-frame"),
    '40{"token":{"a":1}}': ("/", "bad-frame"),
    '40{"token":"not.a.token"}': ("/", "unauthenticated"),
    '40{"token":""}': ("/", "unauthenticated"),
}


@pytest.mark.parametrize("sent", CONNECTS)
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_every_connect_error_has_a_message_and_a_code(stack: Stack, sent: str, transport: str) -> None:
    namespace, code = CONNECTS[sent]
    answer = answer_to(stack, sent, transport)
    start = "44" if namespace == "/" else f"44{namespace},"
    assert answer.startswith(start)
    error = json.loads(answer.removeprefix(start))
    assert error["message"]
    assert error["data"]["code"] == code


def answer_to(stack: Stack, sent: str, transport: str) -> str:
    """What the packet is answered by, on a session that was just opened."""
    if transport == "polling":
        with Polling(stack.second.http_url) as polling:
            assert polling.post(sent).text == "ok"
            return polling.wait_for_start("44")
    with websocket(stack.second.http_url) as opened:
        opened.recv(5)
        opened.send(sent)
        return str(opened.recv(5))


def test_a_second_connect_is_refused_and_the_first_goes_on(client: Polling) -> None:
    client.post("40")
    refused = json.loads(client.wait_for_start("44")[2:])
    assert refused["data"]["code"] == "bad-frame"
    assert client.emit("ping", {})["at"]


def open_sockets(stack: Stack) -> int:
    return int(httpx.get(f"{stack.second.http_url}/health").json()["connections"])


@pytest.mark.parametrize("is_let_in", [False, True])
def test_a_client_that_takes_no_answer_to_its_connects_is_closed(stack: Stack, is_let_in: bool) -> None:
    """Each CONNECT is answered by more than it is long: all that waits for a client is bounded."""
    with Polling(stack.second.http_url) as client:
        if is_let_in:
            client.let_in()
        before = open_sockets(stack)
        for _ in range(5):
            client.post(*["40/x,"] * 100)
        eventually(lambda: open_sockets(stack) == before - 1, SOON_SECONDS, "it to be closed")
        assert client.get().status_code == 400


def test_a_client_that_was_refused_may_try_again_on_the_same_connection(stack: Stack) -> None:
    with Polling(stack.second.http_url) as polling:
        polling.post('40{"token":"no"}')
        polling.wait_for_start("44")
        assert polling.let_in(stack.token(OWNER)).emit("status", {})["user"]["username"] == OWNER.username


# --- events ----------------------------------------------------------------------------------------

EVENTS = {
    '["ping",{},{}]': "bad-frame",
    '["ping",[1]]': "bad-frame",
    "[5,{}]": "bad-frame",
    '["",{}]': "bad-frame",
    '["connect",{}]': "unknown-event",
    '["disconnect",{}]': "unknown-event",
    '["no:such",{}]': "unknown-event",
    '["project:join",{"projectId":5}]': "bad-frame",
}


@pytest.mark.parametrize("sent", EVENTS)
def test_an_event_that_means_nothing_gets_one_error_by_its_ack(client: Polling, sent: str) -> None:
    client.post(f"427{sent}")
    error = json.loads(client.wait_for_start("437[").removeprefix("437"))[0]
    assert error["code"] == EVENTS[sent]
    assert client.emit("ping", {})["at"]
    assert len([packet for packet in client.packets if packet.startswith("437")]) == 1


def test_an_error_without_an_ack_is_told_as_an_event(client: Polling) -> None:
    client.post('42["no:such",{}]')
    assert json.loads(client.wait_for_start('42["error"')[2:])[1]["code"] == "unknown-event"


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_binary_data_are_refused_by_the_ack(stack: Stack, client: Polling, transport: str) -> None:
    placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
    packet = f'452-789["presence:update",{placeholders}]'
    if transport == "polling":
        encoded = "b" + base64.b64encode(b"\x00\xff").decode()
        assert client.post(packet, encoded, encoded).text == "ok"
        answer = client.wait_for_start("43789[")
    else:
        with websocket(stack.second.http_url, **bearer(stack.token(OWNER))) as opened:
            opened.send("40")
            for part in (packet, b"\x00\xff", b"\x00\xff"):
                opened.send(part)
            while not (answer := str(opened.recv(5))).startswith("43789["):
                pass
    assert json.loads(answer.removeprefix("43789"))[0]["code"] == "bad-frame"


def test_what_is_no_packet_closes_a_websocket_with_a_reason(stack: Stack) -> None:
    for sent in ("abc", "2", "42{}", b"\x00"):
        with websocket(stack.second.http_url) as opened:
            opened.recv(5)
            opened.send(sent)
            with pytest.raises(ConnectionClosed) as closed:
                opened.recv(5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.reason


def test_many_packets_in_one_payload_are_carried_out(client: Polling) -> None:
    """socket.io-client sends all that has waited at once."""
    assert client.post(*(f'42{number}["ping",{{}}]' for number in range(100, 400))).text == "ok"
    client.wait_for_start("43399[")
    acks = [int(packet[2:5]) for packet in client.packets if packet.startswith("43")]
    assert acks == list(range(100, 400))


# --- origins -----------------------------------------------------------------------------------------


def test_pages_of_listed_origins_may_poll(stack: Stack) -> None:
    origin = stack.second.web_url  # listed in CORS_ORIGIN, and not the port that is asked
    url = f"{stack.second.http_url}{path()}"
    asked = {"Origin": origin, "Access-Control-Request-Headers": "authorization,x-trace"}
    preflight = httpx.options(url, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == "authorization,x-trace"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    opened = httpx.get(url, headers={"Origin": origin})
    for answer in (preflight, opened, httpx.get(url + "&sid=x", headers=asked)):
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "Origin"
    sid = json.loads(opened.text[1:])["sid"]
    assert httpx.post(stack.second.http_url + path(sid), content="1").text == "ok"  # or it stays open


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_pages_of_other_origins_are_refused_and_may_not_read_why(stack: Stack, method: str) -> None:
    url = f"{stack.second.http_url}{path()}"
    answer = httpx.request(method, url, headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, 4)
    assert "access-control-allow-origin" not in answer.headers


def test_a_session_is_polled_by_allowed_origins_only(client: Polling, board: Board) -> None:
    """Whoever has seen the id of a session in a log still needs a page of ours to use it in a browser."""
    foreign = {"Origin": "https://elsewhere.example"}
    assert httpx.get(f"{client.url}{path(client.sid)}", headers=foreign).status_code == 403
    assert client.join(board.id)["projectId"] == board.id
