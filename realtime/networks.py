"""Networks and addresses as operators write them, and the networks that are blocked. Pure.

An IPv4 address that comes by way of IPv6 (`::ffff:192.0.2.7`) is that IPv4 address, and one with a zone
(`fe80::7%eth0`) is the same without, everywhere.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

IPV6_BITS = 128
MAPPED_BITS = 96  # of an IPv6 address stand before the IPv4 one that it maps
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
HOST_BITS = 64  # of an IPv6 address are its owner's to choose: who has one address there has them all
SITE_BITS = 80  # of an IPv6 address are one subscriber's or one rented server's, where those get a /48
SITE_FACTOR = (
    4  # a /48 may have as much as so many addresses: many people may share one, or one may have it all
)


def read_address(text: str) -> Address | None:
    """The address; None for what is none, as a proxy or a test may hand on."""
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped or ipaddress.IPv6Address(int(found))
    return found


def counted_as(address: str) -> str:
    """The address under which what comes from there is counted: of IPv6 the first of its /64."""
    found = read_address(address)
    if not isinstance(found, ipaddress.IPv6Address):
        return address if found is None else str(found)
    return _first_of(found, HOST_BITS)


def counted_networks(address: str) -> list[tuple[str, int]]:
    """The keys under which a limit for each address counts what comes from there, each with how many times
    the limit it may have: the address itself, of IPv6 its /64, and of IPv6 the /48 around that.

    Without the second, whoever has a /48 would have 65,536 addresses.
    """
    host = counted_as(address), 1
    found = read_address(address)
    if not isinstance(found, ipaddress.IPv6Address):
        return [host]
    return [host, (f"{_first_of(found, SITE_BITS)}/{IPV6_BITS - SITE_BITS}", SITE_FACTOR)]


def _first_of(address: ipaddress.IPv6Address, bits: int) -> str:
    """The first address of its network, of which so many bits differ."""
    return str(ipaddress.IPv6Address(int(address) >> bits << bits))


def plain(text: str) -> str:
    """The address in its usual spelling; what is no address stays as it is."""
    found = read_address(text)
    return text if found is None else str(found)


def read_network(text: str) -> Network:
    """The network of `192.0.2.0/24`, `192.0.2.7` (that address alone) or `2001:db8::/32`.

    Bits beyond the prefix go, as does the zone of an address of IPv6. Raises ValueError, which says what was
    expected.
    """
    address, slash, bits = text.strip().partition("/")
    if ":" in address:
        address = address.partition("%")[0]
    try:
        found = ipaddress.ip_network(address + slash + bits, strict=False)
    except ValueError:
        allowed = "expected an address or a network, like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32"
        raise ValueError(f"{text.strip()[:50]!r}: {allowed}") from None
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(MAPPED):
        low = ipaddress.IPv4Address(int(found.network_address) & 0xFFFFFFFF)
        return ipaddress.IPv4Network((low, found.prefixlen - MAPPED_BITS))
    return found


def sort_key(address: str) -> str:
    """Sorts as addresses do: 4 or 6 and hexadecimal digits; empty for what is no address."""
    found = read_address(address)
    return "" if found is None else _digits(found)


def key_range(network: Network) -> tuple[str, str]:
    """The first and the last sort key of a network's addresses."""
    return _digits(network.network_address), _digits(network.broadcast_address)


def _digits(address: Address) -> str:
    return f"{address.version}{int(address):0{address.max_prefixlen // 4}x}"


def contains(wide: str, narrow: Network) -> bool:
    """Whether a network lies within another; False where that one is not understood."""
    try:
        low, high = key_range(read_network(wide))
    except ValueError:  # written past the controls
        return False
    first, last = key_range(narrow)
    return low <= first and last <= high


@dataclass(frozen=True, slots=True)
class Block:
    """A network that is kept out, until a moment in epoch seconds (None: until it is lifted)."""

    network: Network
    until: float | None = None

    def holds(self, now: float) -> bool:
        return self.until is None or now < self.until


class Blocklist:
    """Finds the block of an address at a cost that does not grow with the number of blocks."""

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        self._by_prefix: dict[tuple[int, int], dict[int, Block]] = {}
        for block in blocks:
            network = block.network
            of_length = self._by_prefix.setdefault((network.version, network.prefixlen), {})
            of_length[int(network.network_address)] = block

    def count(self, now: float) -> int:
        """How many blocks hold at `now` (epoch seconds)."""
        return sum(block.holds(now) for blocks in self._by_prefix.values() for block in blocks.values())

    def find(self, address: str, now: float) -> Block | None:
        """The block that keeps the address out at `now` (epoch seconds)."""
        if not self._by_prefix:
            return None
        found = read_address(address)
        if found is None:
            return None
        for (version, length), blocks in self._by_prefix.items():
            if version != found.version:
                continue
            host_bits = found.max_prefixlen - length
            block = blocks.get(int(found) >> host_bits << host_bits)
            if block is not None and block.holds(now):
                return block
        return None
