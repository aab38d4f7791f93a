"""What a request says of where it comes from, and how much of that is believed."""

from typing import Any

import pytest

from realtime.networks import counted_as, read_address, read_network
from realtime.proxies import PROXIED, believable, client_address, doubled, read_hop

TRUSTED = [read_network("10.0.0.0/8"), read_network("fd00::/8")]
PROXY, STRANGER = ("10.0.0.1", 40000), ("198.51.100.7", 40000)


def scope(*fields: tuple[str, str], peer: Any = PROXY, **more: Any) -> dict[str, Any]:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    base = {"type": "http", "http_version": "1.1", "scheme": "http", "server": ("10.0.0.9", 8002)}
    return {**base, "client": peer, "headers": headers, **more}


def read(*fields: tuple[str, str], **more: Any) -> dict[str, Any]:
    return believable(scope(*fields, **more), TRUSTED)


def address(*lines: str, peer: str = "10.0.0.1") -> str:
    found: str = read(*(("x-forwarded-for", line) for line in lines), peer=(peer, 1))["client"][0]
    return found


def header(found: dict[str, Any], name: str) -> list[str]:
    return [value.decode("latin-1") for given, value in found["headers"] if given == name.encode()]


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hop, expected",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:17085", "203.0.113.9"),
        ('"203.0.113.9:17085"', "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("2001:DB8:0::9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:443", "2001:db8::9"),
        ('"[2001:db8::9]:443"', "2001:db8::9"),
        ("fe80::9%eth0", "fe80::9"),
        ("[fe80::9%25eth0]:443", "fe80::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:17085", "203.0.113.9"),
        ("::ffff:cb00:7109", "203.0.113.9"),
        ("\t 203.0.113.9 ", "203.0.113.9"),
    ],
)
def test_every_form_of_an_address_that_proxies_write_is_read(hop: str, expected: str) -> None:
    assert str(read_hop(hop)) == expected
    assert address(f"1.1.1.1, {hop}") == expected


NO_ADDRESS = [
    *('"', "unknown", "_hidden", "_SEVKISEK", "unix:", "unix:/run/x.sock", "localhost"),
    *("203.0.113", "203.0.113.9:port", "203.0.113.9:", "203.0.113.9:999999", "203.0.113.256"),
    *("0203.0.113.9", "3405803785", "203.0.113.9/32", "203.0.113.9;proto=https", "for=203.0.113.9"),
    *("[", "[]", "[]:1", "[2001:db8::9", "2001:db8::9]", "[2001:db8::9]x", "[2001:db8::9]:", "::1::2"),
    *("%eth0", "\x00", "é", "٢٠٣.0.113.9", "'; drop", "x" * 9000),
]


@pytest.mark.parametrize("hop", NO_ADDRESS)
def test_what_is_no_address_ends_the_walk_at_the_last_one(hop: str) -> None:
    """Else a client, or a proxy that hides one, puts text where the database expects an address."""
    said = hop.encode()
    assert client_address(read_address("10.0.0.1"), [said], TRUSTED) == (read_address("10.0.0.1"), 1)
    through = said + b", 10.0.0.7"
    assert client_address(read_address("10.0.0.1"), [through], TRUSTED) == (read_address("10.0.0.7"), 2)


@pytest.mark.parametrize(
    "said", ["203.0.113.9,", "203.0.113.9, ,", ",203.0.113.9,\t,", "203.0.113.9,,10.0.0.2,"]
)
def test_an_empty_element_of_the_list_is_none(said: str) -> None:
    """RFC 9110, section 5.6.1. Else whoever can add a comma is counted as the proxy, and past each block."""
    assert address(said) == "203.0.113.9"
    assert address() == address("") == address(" , ") == "10.0.0.1"


def test_the_address_of_a_direct_client_is_its_own_whatever_it_says() -> None:
    """Else anybody walks around a blocked network by writing a header."""
    assert address("203.0.113.9", peer="198.51.100.7") == "198.51.100.7"
    assert address("10.0.0.1", peer="198.51.100.7") == "198.51.100.7"
    assert address(peer="198.51.100.7") == "198.51.100.7"


def test_behind_a_trusted_proxy_the_address_is_counted_from_the_right() -> None:
    assert address("203.0.113.9") == "203.0.113.9"
    assert address("1.1.1.1, 203.0.113.9") == "203.0.113.9"
    assert address("10.9.9.9, 203.0.113.9, 10.0.0.3,10.0.0.2") == "203.0.113.9"
    assert address("198.51.100.7, 203.0.113.9, 198.51.100.8") == "198.51.100.8"


def test_a_chain_may_have_any_length_and_any_number_of_lines() -> None:
    hops = ["6.6.6.6", "203.0.113.9", *(f"10.0.{n}.1" for n in range(200))]
    assert address(", ".join(hops)) == address(*hops) == "203.0.113.9"
    assert address(",".join(hops[:50]), ", ".join(hops[50:])) == "203.0.113.9"


def test_a_chain_of_nothing_but_proxies_ends_at_its_left() -> None:
    assert address("10.0.0.9, 10.0.0.2") == "10.0.0.9"


def test_ipv4_by_way_of_an_ipv6_listener_is_ipv4() -> None:
    assert address(peer="::ffff:198.51.100.7") == "198.51.100.7"
    assert address("203.0.113.9", peer="::ffff:10.0.0.1") == "203.0.113.9"
    assert address("203.0.113.9, ::ffff:10.0.0.2") == "203.0.113.9"
    mapped = [read_network("::ffff:10.0.0.0/104")]
    assert believable(scope(("x-forwarded-for", "203.0.113.9")), mapped)["client"][0] == "203.0.113.9"


def test_ipv6_proxies_are_trusted_by_network_and_without_their_zone() -> None:
    assert address("2001:db8::7", peer="fd00::1") == "2001:db8::7"
    assert address("2001:db8::7", peer="fd00::1%eth0") == "2001:db8::7"
    assert address("203.0.113.9", peer="fe80::1%eth0") == "fe80::1"


def test_a_peer_on_a_unix_socket_is_this_machine() -> None:
    here = [read_network("127.0.0.0/8")]
    said = ("x-forwarded-for", "203.0.113.9")
    for server in (None, ("/run/gateway.sock", None)):
        found = scope(said, peer=None, server=server)
        assert believable(found, [])["client"] == ("127.0.0.1", 0)
        assert believable(found, here)["client"] == ("203.0.113.9", 0)


def test_a_client_that_has_left_already_is_nobody_that_is_trusted() -> None:
    """Its server no longer knows its address: it may not pass for a process of this machine."""
    here = [read_network("127.0.0.0/8"), read_network("::/0")]
    found = believable(scope(("x-forwarded-for", "203.0.113.9"), peer=None), here)
    assert (found["client"], found[PROXIED]) == (("", 0), False)


def test_the_port_is_kept_where_the_peer_is_the_client() -> None:
    assert read(peer=STRANGER)["client"] == STRANGER
    assert read(("x-forwarded-for", "203.0.113.9"))["client"] == ("203.0.113.9", 0)


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    """Whoever has one address there has all of them."""
    assert counted_as("2001:db8:1:2::9") == counted_as("2001:db8:1:2:ffff::1") == "2001:db8:1:2::"
    assert counted_as("2001:db8:1:2::9") != counted_as("2001:db8:1:3::9")
    assert (counted_as("203.0.113.9"), counted_as("::ffff:203.0.113.9"), counted_as("")) == (
        *("203.0.113.9", "203.0.113.9"),
        "",
    )


# --- Scheme and host --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines, chain, expected",
    [
        (["https"], "203.0.113.9", "https"),
        (["HTTPS"], "203.0.113.9", "https"),
        (["wss"], "203.0.113.9", "https"),
        (["http"], "203.0.113.9", "http"),
        (["https"], "", "https"),  # a proxy that tells no address
        (["https, http"], "203.0.113.9", "http"),  # the client wrote the first
        (["https", "http"], "203.0.113.9", "http"),
        (["https, http"], "203.0.113.9, 10.0.0.2", "https"),  # each proxy added one
        (["https", "http"], "203.0.113.9, 10.0.0.2", "https"),
        (["https, http"], "unknown, 10.0.0.2", "https"),  # which hides the client
        (["https"], "203.0.113.9, 10.0.0.3, 10.0.0.2", "https"),  # the inner ones have handed it on
        (["http, https, http"], "1.1.1.1, 203.0.113.9, 10.0.0.2", "https"),
        (["evil"], "203.0.113.9", "http"),
        ([""], "203.0.113.9", "http"),
        ([","], "203.0.113.9", "http"),
        ([], "203.0.113.9", "http"),
    ],
)
def test_the_scheme_is_what_the_outermost_trusted_proxy_saw(
    lines: list[str], chain: str, expected: str
) -> None:
    fields = [("x-forwarded-for", chain), *(("x-forwarded-proto", line) for line in lines)]
    assert read(*fields)["scheme"] == expected
    assert read(*fields, type="websocket", scheme="ws")["scheme"] == expected.replace("http", "ws")
    assert read(*fields, peer=STRANGER)["scheme"] == "http"


def test_a_listener_with_tls_of_its_own_keeps_its_scheme() -> None:
    assert read(scheme="https")["scheme"] == "https"
    assert read(scheme="https", peer=STRANGER)["scheme"] == "https"
    assert read(("x-forwarded-proto", "http"), scheme="https")["scheme"] == "http"
    daphne = scope(type="websocket")
    del daphne["scheme"]
    assert believable(daphne, TRUSTED)["scheme"] == "ws"


def test_the_host_is_the_one_that_a_trusted_proxy_was_asked_for() -> None:
    """Some ask us for the host by which they know us, so that no page of theirs has our origin."""
    inner, asked = ("host", "127.0.0.1:8002"), ("x-forwarded-host", "boards.example:8443")
    assert header(read(inner, asked), "host") == ["boards.example:8443"]
    assert header(read(asked), "host") == ["boards.example:8443"]
    assert header(read(inner, asked, peer=STRANGER), "host") == ["127.0.0.1:8002"]
    evil = ("x-forwarded-host", "evil.example, boards.example")
    assert header(read(inner, evil), "host") == ["boards.example"]
    assert header(read(inner, ("x-forwarded-host", "")), "host") == ["127.0.0.1:8002"]


@pytest.mark.parametrize("told", ["boards.example", "BOARDS.example", "boards.example:443"])
def test_the_same_host_keeps_its_port(told: str) -> None:
    """`X-Forwarded-Host $host` of nginx has none."""
    found = read(("host", "boards.example:8443"), ("x-forwarded-host", told))
    assert header(found, "host") == ["boards.example:8443"]
    without = read(("host", "boards.example"), ("x-forwarded-host", "boards.example:8443"))
    assert header(without, "host") == ["boards.example:8443"]  # `Host $host`, `X-Forwarded-Host $http_host`
    v6 = read(("host", "[::1]:8443"), ("x-forwarded-host", "[::1]"))
    assert header(v6, "host") == ["[::1]:8443"]


def test_the_same_host_at_another_port_is_another() -> None:
    """A proxy on the same machine, as a development server's, asks for the port at which it finds us."""
    for inner, asked in (("localhost:8002", "localhost:8443"), ("[::1]:8002", "[::1]:3000")):
        assert header(read(("host", inner), ("x-forwarded-host", asked)), "host") == [asked]


# --- Headers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", [PROXY, STRANGER])
@pytest.mark.parametrize(
    "name",
    [
        *("X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "x-forwarded-port", "Forwarded"),
        *("x-real-ip", "X_Forwarded_For", "x-forwarded_for", "X_REAL_IP", "x_csrftoken"),
    ],
)
def test_nobody_behind_reads_by_themselves_what_a_proxy_says(name: str, peer: Any) -> None:
    found = read((name, "203.0.113.9"), ("accept", "*/*"), peer=peer)
    assert {given for given, _ in found["headers"]} <= {b"accept", b"host"}


def test_underscores_make_no_forwarding_header() -> None:
    assert read(("X_Forwarded_For", "203.0.113.9"), ("X_Forwarded_Proto", "https"))["client"] == PROXY


def test_huge_headers_are_read_in_passing() -> None:
    assert address("x" * 60_000) == "10.0.0.1"
    assert address("," * 60_000) == "10.0.0.1"
    assert address("10.0.0.1," * 7000 + "203.0.113.9") == "203.0.113.9"
    assert address("203.0.113.9," + "10.0.0.1," * 7000 + "10.0.0.2") == "203.0.113.9"


def test_cookies_in_several_lines_are_one_list() -> None:
    found = read(("Cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2; c=3"))
    assert header(found, "cookie") == ["a=1; b=2; c=3"]
    assert header(read(("cookie", 'prefs={"x":[1,2]}')), "cookie") == ['prefs={"x":[1,2]}']


def test_a_client_cannot_choose_the_prefix_of_addresses() -> None:
    assert read(root_path="/evil")["root_path"] == ""


def test_a_field_that_stands_once_is_found_where_it_stands_twice() -> None:
    once = [("host", "a"), ("origin", "http://a"), ("authorization", "x"), ("accept", "a"), ("accept", "b")]
    assert doubled(read(*once)["headers"]) == ""
    for name in ("Host", "origin", "Authorization"):
        assert doubled(read(*once, (name, "b"))["headers"]) == name.lower()
