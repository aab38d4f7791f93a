"""What a handshake says of itself: origin, address, credentials."""

from typing import Any

import pytest

from realtime.admission import Handshake, own_origin, read_handshake

ALLOWED = ["http://localhost:3001", "https://boards.example.com"]


@pytest.fixture(autouse=True)
def our_hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["gateway.example.com", "localhost", "[::1]", "a"]


def scope(
    headers: dict[str, str] | None = None, peer: str = "198.51.100.7", scheme: str = "ws", **more: Any
) -> dict[str, Any]:
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {"client": (peer, 40000), "scheme": scheme, "headers": encoded, **more}


def handshake(headers: dict[str, str] | None = None, **more: Any) -> Handshake:
    return read_handshake(scope(headers, **more), "sessionid")


def allowed(origin: str, host: str = "gateway.example.com:8002") -> bool:
    return handshake({"Origin": origin, "Host": host}).origin_allowed(ALLOWED)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3001",
        "HTTP://LocalHost:3001",
        "https://boards.example.com",
        "https://boards.example.com:443",
        "https://boards.example.com.",
        "http://gateway.example.com:8002",
    ],
)
def test_listed_origins_and_the_servers_own_are_allowed(origin: str) -> None:
    assert allowed(origin)


def test_a_host_that_is_none_of_ours_is_no_own_origin() -> None:
    """A foreign name that was rebound to our address: its page would else read as a guest."""
    assert not allowed("http://rebound.example.net:8002", host="rebound.example.net:8002")


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3001.evil.com",
        "http://localhost:30011",
        "http://localhost:300",
        "http://localhost",
        "https://localhost:3001",
        "http://evil.com/http://localhost:3001",
        "http://localhost:3001@evil.com",
        "http://user@localhost:3001",
        "http://localhost.evil.com:3001",
        "http://evillocalhost:3001",
        "http://boards.example.com",
        "https://boards.example.com:80",
        "https://xboards.example.com",
        "http://gateway.example.com",
        "https://gateway.example.com:8002",
        "null",
        "",
        "*",
        "file://",
        "localhost:3001",
        "//localhost:3001",
        "http://",
        "http://[",
        "http://localhost:port",
        "http://localhost:99999",
        "ws://localhost:3001",
        "javascript:alert(1)",
        "chrome-extension://abcdef",
    ],
)
def test_any_other_origin_is_refused(origin: str) -> None:
    """A page that a member visits elsewhere could otherwise read their boards with their cookie."""
    assert not allowed(origin)


def test_a_client_without_an_origin_is_no_page() -> None:
    assert handshake().origin_allowed(ALLOWED)


def test_the_servers_own_origin_is_its_own_in_each_spelling() -> None:
    assert handshake({"Origin": "http://[::1]:8002", "Host": "[::1]:8002"}).origin_allowed([])
    assert handshake({"Origin": "http://a", "Host": "A:80"}).origin_allowed([])


def test_null_is_no_own_origin_of_a_host_that_is_none_of_ours() -> None:
    assert not allowed("null", host="rebound.example.net")


def test_the_servers_own_origin_keeps_its_scheme() -> None:
    assert own_origin(scope(scheme="wss"), {b"host": "a"}) == "https://a"
    assert own_origin(scope(scheme="ws"), {b"host": "a"}) == "http://a"
    assert own_origin(scope(scheme="http"), {b"host": "a"}) == "http://a"


def test_a_token_in_the_header_comes_before_one_in_the_subprotocols() -> None:
    offered = ["devmentor.v1", "bearer.second"]
    found = handshake({"Authorization": "Bearer first"}, subprotocols=offered)
    assert (found.token, found.subprotocol) == ("first", "devmentor.v1")
    assert handshake(subprotocols=offered).token == "second"


@pytest.mark.parametrize("header", ["bearer a.b.c", "BEARER a.b.c", "Bearer   a.b.c ", "Bearer a.b.c"])
def test_the_scheme_of_a_header_is_read_as_http_reads_it(header: str) -> None:
    assert handshake({"Authorization": header}).token == "a.b.c"


@pytest.mark.parametrize("header", ["Basic b2xpdmU6eA==", "Bearerx a", ""])
def test_other_schemes_are_no_token(header: str) -> None:
    assert handshake({"Authorization": header}).token is None


@pytest.mark.parametrize("header", ["Bearer", "Bearer "])
def test_an_empty_token_is_a_token_that_does_not_hold(header: str) -> None:
    assert handshake({"Authorization": header}).token == ""


def test_a_server_answers_only_the_subprotocol_it_speaks() -> None:
    assert handshake(subprotocols=["chat", "devmentor.v2"]).subprotocol is None
    assert handshake(subprotocols=["bearer.x"]).subprotocol is None


@pytest.mark.parametrize(
    "header",
    [
        "sessionid=abc123",
        "theme=dark; sessionid=abc123; other=1",
        'prefs={"columns":[1,2]}; sessionid=abc123',
        "a b=c; sessionid=abc123",
        "=; ; sessionid=abc123",
    ],
)
def test_the_session_is_found_among_whatever_other_cookies_a_browser_sends(header: str) -> None:
    """Cookies of other programs on this host must not log anybody out of the live board."""
    assert handshake({"Cookie": header}).session_key == "abc123"


@pytest.mark.parametrize("header", ["", "sessionid=", "sessionid", "xsessionid=abc", "theme=dark"])
def test_no_session_is_found_where_there_is_none(header: str) -> None:
    assert handshake({"Cookie": header}).session_key is None


def test_agents_are_kept_short() -> None:
    assert len(handshake({"User-Agent": "x" * 5000}).agent) == 200
