"""Origins and host names, each brought to the one spelling in which browsers send it. Pure.

Whatever compares an origin, of a setting, an Origin header or a Host, compares what `canonical` gives.
"""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}
# Sent by every sandboxed frame and every local file, whoever wrote it: no cookie speaks for such a page.
ANONYMOUS = frozenset({"null", "file://"})
# Schemes of addresses, none of which is a page's origin.
NO_PAGES = frozenset({"about", "blob", "data", "ftp", "javascript", "mailto", "ws", "wss"})
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*\Z")
_APP_HOST = re.compile(r"[a-z0-9._-]+\Z")
_NAME = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*\Z")


def canonical(origin: str) -> str | None:
    """An origin as a browser sends it: lower case, punycode, no default port; None for what is none."""
    text = origin.strip()
    if text.lower() in ANONYMOUS:
        return text.lower()
    scheme, found, authority = text.partition("://")
    scheme = scheme.lower()
    if not found or not _SCHEME.match(scheme) or scheme in NO_PAGES:
        return None
    if scheme not in DEFAULT_PORTS:  # an app's own: Capacitor, Electron, Tauri, an extension
        return f"{scheme}://{authority.lower()}" if _APP_HOST.match(authority.lower()) else None
    try:
        parts = urlsplit(f"//{authority}")
        port = parts.port
    except ValueError:
        return None
    if parts.netloc != authority or "@" in authority or authority.endswith(":"):
        return None
    host = canonical_host(_host_of(authority))
    if host is None or port == 0:
        return None
    return f"{scheme}://{host}" + (f":{port}" if port and port != DEFAULT_PORTS[scheme] else "")


def canonical_host(host: str) -> str | None:
    """A host name or address: lower case, punycode, no dot at its end, IPv6 short and in brackets."""
    if host.startswith("[") and host.endswith("]"):
        return _ipv6(host[1:-1])
    if ":" in host:
        return _ipv6(host)
    name = host.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            return None
    if not _NAME.match(name) or len(name) > 253:
        return None
    return name if not name.rpartition(".")[2].isdigit() else _ipv4(name)


def allowed(origin: str, listed: Collection[str], own: str | None = None) -> bool:
    """Whether an Origin is one of those listed, each of them canonical, or the server's own."""
    found = canonical(origin)
    return found is not None and (found in listed or (own is not None and found == canonical(own)))


def takes_cookies(origin: str) -> bool:
    """Whether a page of this origin may speak with its user's cookie."""
    return canonical(origin) not in ANONYMOUS


def port_of(origin: str) -> int:
    """The port of a canonical http or https origin, also where it is the default one."""
    parts = urlsplit(origin)
    return parts.port or DEFAULT_PORTS[parts.scheme]


def _host_of(authority: str) -> str:
    return authority.partition("]")[0] + "]" if authority.startswith("[") else authority.partition(":")[0]


def _ipv6(text: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(text).compressed}]" if "%" not in text else None
    except ValueError:
        return None


def _ipv4(text: str) -> str | None:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return None
