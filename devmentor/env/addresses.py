"""Readers of addresses of the web: where something is, who may ask, and by which name."""

from urllib.parse import urlsplit

from devmentor.env.errors import ENCODE, BadSetting, shown, shown_host
from devmentor.env.values import text, words
from realtime.networks import Network, read_network
from realtime.origins import NO_PAGES, canonical, canonical_host

ORIGINS = "origins like https://boards.example.com, http://localhost:3001, capacitor://localhost or null"
NO_HOST = frozenset("/?#@")
HOSTS = (
    "host names without scheme, port or path, like boards.example.com, .example.com (and all below it) or *"
)


def url(name: str, default: str, schemes: tuple[str, ...], secret: bool = False) -> str:
    """An address that has one of the schemes and a host.

    secret: its path is not to be shown. Any other is told to clients, who could not open it with a fragment.
    """
    value = text(name, default)
    if not value:
        return value
    show = shown_host if secret else shown
    allowed = "an address that starts with " + " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  urlsplit looks at the port only when asked
    except ValueError:
        raise BadSetting(name, show(value), f"{allowed}; {ENCODE}" if "@" in value else allowed) from None
    if parts.scheme not in schemes or not parts.hostname:
        raise BadSetting(name, show(value), allowed)
    if "@" in parts.path + parts.query + parts.fragment and not parts.username:
        raise BadSetting(name, show(value), f"{allowed}; {ENCODE}")
    if not secret and ("#" in value or "@" in parts.netloc):
        raise BadSetting(
            name, show(value), f"{allowed}, without a user name and a fragment: clients are told it"
        )
    return value


def origins(name: str, default: str) -> list[str]:
    """Origins, each in the one spelling in which browsers send it: scheme, host and port, nothing behind."""
    found = []
    for value in words(name, default):
        origin = canonical(value.removesuffix("/") if value.count("/") > 2 else value)
        if origin is None:
            raise BadSetting(name, value, f"{_origin_hint(value)}{ORIGINS}")
        found.append(origin)
    return list(dict.fromkeys(found))


def _origin_hint(value: str) -> str:
    scheme, found, rest = value.partition("://")
    if "*" in value:
        return "each origin by its whole name, without *: "
    if found and scheme.lower() in NO_PAGES:
        return "http:// or https:// where the page is from: "
    if not NO_HOST.isdisjoint(rest):
        return "no path, query or user name: "
    return "" if found else "http:// or https:// in front: "


def hosts(name: str, default: str) -> list[str]:
    """Host names and addresses as Django compares them with what was asked for."""
    found = []
    for value in words(name, default):
        whole = value if value == "*" else canonical_host(value.removeprefix("."))
        if whole is None:
            raise BadSetting(name, value, HOSTS)
        found.append(f".{whole}" if value.startswith(".") else whole)
    if not found:
        raise BadSetting(name, text(name), HOSTS)
    return list(dict.fromkeys(found))


def networks(name: str) -> list[Network]:
    found = []
    for value in words(name):
        try:
            found.append(read_network(value))
        except ValueError:
            raise BadSetting(name, value, "addresses or networks like 10.0.0.0/8, comma-separated") from None
    return found
