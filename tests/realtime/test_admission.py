"""What a handshake says of itself: origin, address, credentials."""

import ipaddress
from typing import Any

import pytest

from realtime.admission import Handshake, client_address, normal_origin, own_origin, read_handshake

ALLOWED = ["http://localhost:3001", "https://boards.example.com"]
PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.fixture(autouse=True)
def our_hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["gateway.example.com", "localhost", "[::1]", "a"]


def scope(
    headers: dict[str, str] | None = None, peer: str = "198.51.100.7", scheme: str = "ws", **more: Any
) -> dict[str, Any]:
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {"client": (peer, 40000), "scheme": scheme, "headers": encoded, **more}


def handshake(headers: dict[str, str] | None = None, **more: Any) -> Handshake:
    return read_handshake(scope(headers, **more), "sessionid", PROXIES)


def allowed(origin: str, host: str = "gateway.example.com:8002") -> bool:
    return handshake({"Origin": origin, "Host": host}).origin_allowed(ALLOWED)


def address(forwarded: str | None, peer: str = "10.0.0.1") -> str:
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded}
    return client_address({"client": (peer, 1)}, headers, PROXIES)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3001",
        "HTTP://LocalHost:3001",
        "https://boards.example.com",
        "https://boards.example.com:443",
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
        "https://boards.example.com.",
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


def test_default_ports_are_the_same_origin_written_twice() -> None:
    assert normal_origin("http://a") == normal_origin("http://a:80") == ("http", "a", 80)
    assert normal_origin("https://a") == normal_origin("https://a:443") == ("https", "a", 443)
    assert normal_origin("http://a") != normal_origin("http://a:443")


def test_ipv6_origins_compare_by_host_and_port() -> None:
    assert normal_origin("http://[::1]:3001") == ("http", "::1", 3001)
    found = handshake({"Origin": "http://[::1]:8002", "Host": "[::1]:8002"})
    assert found.origin_allowed([])


def test_the_servers_own_origin_keeps_its_scheme() -> None:
    assert own_origin(scope(scheme="wss"), {b"host": "a"}, []) == "https://a"
    assert own_origin(scope(scheme="ws"), {b"host": "a"}, []) == "http://a"
    assert own_origin(scope(scheme="http"), {b"host": "a"}, []) == "http://a"


def test_only_a_trusted_proxy_says_which_scheme_the_client_used() -> None:
    headers = {b"host": "a", b"x-forwarded-proto": "https"}
    assert own_origin(scope(peer="10.1.1.1"), headers, PROXIES) == "https://a"
    assert own_origin(scope(peer="198.51.100.7"), headers, PROXIES) == "http://a"
    assert (
        own_origin(scope(peer="10.1.1.1"), {**headers, b"x-forwarded-proto": "evil"}, PROXIES) == "http://a"
    )


def test_the_address_of_a_direct_client_is_its_own_whatever_it_claims() -> None:
    """Else anybody walks around a blocked network by writing a header."""
    assert address("203.0.113.9", peer="198.51.100.7") == "198.51.100.7"
    assert address(None, peer="198.51.100.7") == "198.51.100.7"


def test_behind_a_trusted_proxy_the_address_is_counted_from_the_right() -> None:
    assert address("203.0.113.9") == "203.0.113.9"
    assert address("1.1.1.1, 203.0.113.9") == "203.0.113.9"
    assert address("1.1.1.1, 203.0.113.9, 10.0.0.2") == "203.0.113.9"
    assert address("10.9.9.9, 203.0.113.9, 10.0.0.3,10.0.0.2") == "203.0.113.9"


def test_a_chain_of_nothing_but_proxies_ends_at_its_left() -> None:
    assert address("10.0.0.9, 10.0.0.2") == "10.0.0.9"


@pytest.mark.parametrize("forwarded", ["", " ", ",", "203.0.113.9,", "203.0.113.9, "])
def test_an_empty_hop_ends_the_chain_at_the_proxy(forwarded: str) -> None:
    assert address(forwarded) == "10.0.0.1"


def test_ipv4_by_way_of_an_ipv6_listener_is_ipv4() -> None:
    assert address(None, peer="::ffff:198.51.100.7") == "198.51.100.7"
    assert address("203.0.113.9", peer="::ffff:10.0.0.1") == "203.0.113.9"
    assert address("203.0.113.9, ::ffff:10.0.0.2") == "203.0.113.9"
    assert address("::ffff:203.0.113.9") == "203.0.113.9"


def test_ipv6_proxies_are_trusted_by_network_too() -> None:
    assert address("2001:db8::7", peer="fd00::1") == "2001:db8::7"
    assert address("203.0.113.9", peer="fe80::1") == "fe80::1"


def test_a_socket_without_a_peer_has_no_address() -> None:
    assert client_address({"client": None}, {}, PROXIES) == ""


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
