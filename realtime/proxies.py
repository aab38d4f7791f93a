"""Where a request comes from, as far as that can be believed, and its cookies: read once. Pure.

A trusted proxy says what it saw in X-Forwarded-For, -Proto and -Host. What anybody else says there is what a
client chose to write, and so is what stands left of what the outermost trusted proxy added.
"""

import re
from collections.abc import Sequence

from realtime.asgi import Headers, Scope
from realtime.networks import Address, Network, read_address

PROXIED = "realtime.proxied"  # an item of the scope: whether the peer is a trusted proxy
THIS_MACHINE = "127.0.0.1"
# A hop as proxies write it beyond the bare address: `[2001:db8::7]`, `[2001:db8::7]:443`, `192.0.2.7:17085`.
HOP = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5}")
PORT = re.compile(r":\d*\Z")  # behind a host name or a bracketed address
DEFAULT_PORTS = (":", ":80", ":443")
SCHEMES = {"http": ("http", "https"), "websocket": ("ws", "wss")}
# Of two lines of these (RFC 9110, 5.3) one reader would take the first, and another the last or both.
SINGLE = {b"host", b"origin", b"authorization"}
SECURE = {"http": False, "ws": False, "https": True, "wss": True}


def believable(scope: Scope, trusted: Sequence[Network]) -> Scope:
    """The items of an ASGI scope that take the place of what the server has put there.

    `client`, `scheme` and the Host header are those that the outermost trusted proxy saw, and cookies are one
    field. No header is left that says any of this again, nor one that another reader may take for it.
    """
    headers, cookies, said = _sorted(scope["headers"])
    peer = _peer(scope)
    proxied = is_trusted(peer, trusted)
    address, hops = client_address(peer, said.get(b"x-forwarded-for", []), trusted)
    secure = SECURE.get(scope.get("scheme", ""), False)
    if proxied:
        secure = SECURE.get(_seen(said.get(b"x-forwarded-proto", []), hops).lower(), secure)
        headers = _with_host(headers, _seen(said.get(b"x-forwarded-host", []), hops))
    if cookies:
        headers.append((b"cookie", _joined(scope, cookies)))
    return {
        "client": ("" if address is None else str(address), _port(scope) if address == peer else 0),
        "scheme": SCHEMES[scope["type"]][secure],
        "headers": headers,
        "root_path": "",  # Daphne takes it from whoever sends Daphne-Root-Path
        PROXIED: proxied,
    }


def client_address(
    peer: Address | None, lines: Sequence[bytes], trusted: Sequence[Network]
) -> tuple[Address | None, int]:
    """The client's address, and how many hops of X-Forwarded-For are trusted proxies' own.

    It is the right-most that no trusted proxy added. A hop that is no address (`unknown`, `_hidden`, `unix:`)
    ends the walk: whoever added it is the last of whom the address is known.
    """
    found, hops = peer, 0
    for hop in reversed(_values(lines)):
        if not is_trusted(found, trusted):
            break
        hops += 1
        before = read_hop(hop)
        if before is None:
            break
        found = before
    return found, hops


def read_hop(text: str) -> Address | None:
    """The address of a hop, without its port, brackets, zone or quotes; None for what is none."""
    bare = text.strip(' \t"')
    matched = HOP.fullmatch(bare)
    return read_address(matched[1] or matched[2] if matched else bare)


def is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)


def is_from(scope: Scope, networks: Sequence[Network]) -> bool:
    """Whether the client of a believable scope is in one of the networks; none given: it may be anywhere."""
    return not networks or is_trusted(read_address(scope["client"][0]), networks)


def doubled(headers: Headers) -> str:
    """The name of a field that stands in several lines and may in one only; empty where there is none."""
    names = [name for name, _ in headers if name in SINGLE]
    return "" if len(names) == len(set(names)) else max(names, key=names.count).decode()


def _sorted(headers: Headers) -> tuple[Headers, list[bytes], dict[bytes, list[bytes]]]:
    """The fields that stay, the lines of cookies, and what is said in the way of proxies, by name."""
    kept: Headers = []
    cookies: list[bytes] = []
    said: dict[bytes, list[bytes]] = {}
    for given, value in headers:
        name = given.lower()
        if name == b"cookie":
            cookies.append(value)
        elif name.startswith(b"x-forwarded-"):
            said.setdefault(name, []).append(value)
        # With an underscore it is a field of its own for some readers, and for others the one with a hyphen.
        elif b"_" not in name and name not in (b"forwarded", b"x-real-ip"):
            kept.append((name, value))
    return kept, cookies, said


def _peer(scope: Scope) -> Address | None:
    """The address at the other end; None of a client that has left already.

    A Unix socket has none: whoever connects there is a process of this machine.
    """
    if scope.get("client"):
        return read_address(scope["client"][0])
    server = scope.get("server")
    over_network = server is not None and server[1] is not None
    return None if over_network else read_address(THIS_MACHINE)


def _port(scope: Scope) -> int:
    return int(scope["client"][1]) if scope.get("client") else 0


def _values(lines: Sequence[bytes]) -> list[str]:
    """The values of a list, in one line or in several; empty ones are none (RFC 9110, 5.3 and 5.6.1)."""
    return [value for value in b",".join(lines).decode("latin-1").split(",") if value.strip()]


def _seen(lines: Sequence[bytes], hops: int) -> str:
    """What the outermost trusted proxy said, where each added a value, as it did to X-Forwarded-For.

    Where there are fewer values than hops, the inner proxies have handed on what they were given.
    """
    values = _values(lines)
    return values[-min(max(hops, 1), len(values))].strip() if values else ""


def _with_host(headers: Headers, seen: str) -> Headers:
    """The host that was asked for, where a proxy asks us for another.

    The same name stays as it stands in Host with its port: some proxies tell it without, or with that of the
    scheme in its place. Any other port was asked for.
    """
    host = next((value for name, value in headers if name == b"host"), b"").decode("latin-1")
    told = PORT.search(seen)
    keeps_host = PORT.search(host) and _name(seen) == _name(host)
    if not seen or (keeps_host and (told is None or told[0] in DEFAULT_PORTS)):
        return headers
    return [(b"host", seen.encode("latin-1")), *(field for field in headers if field[0] != b"host")]


def _name(host: str) -> str:
    return PORT.sub("", host).lower()


def _joined(scope: Scope, lines: Sequence[bytes]) -> bytes:
    """Several lines are one list (RFC 9113, 8.2.3). Daphne has joined those of a handshake by commas."""
    whole = b"; ".join(lines)
    return whole if "http_version" in scope else whole.replace(b",", b"; ")
