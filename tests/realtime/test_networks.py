"""Networks and addresses: what is blocked is kept out in every spelling, and what is not is not."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.networks import Block, Blocklist, key_range, plain, read_address, read_network, sort_key

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@st.composite
def networks(draw: st.DrawFn) -> str:
    address = draw(ADDRESSES)
    return f"{address}/{draw(st.integers(0, address.max_prefixlen))}"


@given(st.lists(networks(), max_size=8), ADDRESSES)
def test_an_address_is_found_just_where_it_lies_in_a_blocked_network(
    blocked: list[str], address: ipaddress.IPv4Address
) -> None:
    found = Blocklist(Block(read_network(text)) for text in blocked).find(str(address), now=0)
    meant = read_address(str(address))
    assert (found is not None) == any(meant in read_network(text) for text in blocked)


@given(networks(), ADDRESSES)
def test_the_audit_finds_a_networks_addresses_by_their_keys(
    text: str, address: ipaddress.IPv4Address
) -> None:
    """One range of an index stands for a network: "who was connected from it?" is one search."""
    network = read_network(text)
    low, high = key_range(network)
    assert (low <= sort_key(str(address)) <= high) == (read_address(str(address)) in network)


def test_ipv4_by_way_of_ipv6_is_that_ipv4_address() -> None:
    blocked = Blocklist([Block(read_network("192.0.2.0/24"))])
    for spelling in ("192.0.2.7", "::ffff:192.0.2.7", "::FFFF:c000:207", "0:0:0:0:0:ffff:192.0.2.7"):
        assert blocked.find(spelling, now=0), spelling
        assert plain(spelling) == "192.0.2.7"
    assert blocked.find("192.0.3.7", now=0) is None
    assert read_network("::ffff:192.0.2.0/120") == read_network("192.0.2.0/24")


def test_an_address_with_a_zone_is_the_same_without() -> None:
    assert read_network("fe80::1%eth0") == read_network("fe80::1")
    assert read_network("fe80::%eth0/64") == read_network("fe80::/64")
    with pytest.raises(ValueError, match="expected an address"):
        read_network("192.0.2.7%eth0")


def test_a_block_ends_when_its_time_is_over() -> None:
    blocked = Blocklist([Block(read_network("192.0.2.7"), until=100)])
    assert blocked.find("192.0.2.7", now=99)
    assert blocked.find("192.0.2.7", now=100) is None


@pytest.mark.parametrize("text", ["", "300.1.1.1", "192.0.2.0/33", "office", "192.0.2.1-9", "2001:db8::/129"])
def test_what_is_no_network_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected an address or a network, like 192\.0\.2\.7"):
        read_network(text)


@pytest.mark.parametrize("text", ["", "testclient", "unix:", "1.2.3.4:5678"])
def test_what_is_no_address_is_blocked_by_nothing_and_stays_as_it_is(text: str) -> None:
    assert Blocklist([Block(read_network("0.0.0.0/0")), Block(read_network("::/0"))]).find(text, 0) is None
    assert (plain(text), sort_key(text)) == (text, "")
