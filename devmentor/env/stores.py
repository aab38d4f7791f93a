"""Readers of the addresses of stores: PostgreSQL or SQLite, and the Redis servers of the channel layer."""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import dj_database_url
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from devmentor.env.errors import ENCODE, BadSetting, shown_address
from devmentor.env.values import text

DATABASES = (
    "an address that starts with sqlite:// or postgres:// or postgresql://, "
    "like postgres://user:password@host:5432/name"
)
SERVERS = (
    "addresses that start with redis:// or rediss:// or unix:// (also valkey:// or valkeys://) or "
    "redis+sentinel:// (like redis+sentinel://host:26379,host2:26379/mymaster/0), comma-separated"
)
NUMBER = "the database behind the host is a whole number from 0"
_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}
SENTINEL_SCHEMES = {"redis+sentinel": False, "rediss+sentinel": True, "sentinel": False}  # whether by TLS
SENTINEL_PORT = 26379
PORTS = range(1, 65536)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#\s]+)?(?::(?P<port>\d{1,5}))?\Z")
_END = re.compile(r"[/?#]")  # of an authority
_DIGITS = re.compile(r"[0-9]*")
_NUMBER = re.compile(r"/?[0-9]*/?")  # of a database, as a path
_CALL = re.compile(r"^.*__init__\(\) ")  # whose arguments redis-py complains of
DJANGO_OPTIONS = {"assume_role", "isolation_level", "prepare_threshold", "server_side_binding"}
# Without a limit of our own a stopped Redis hangs whoever publishes (channels_redis#422).
TIMEOUTS = {"socket_timeout": 3, "socket_connect_timeout": 1}
# Several are asked one after the other within what a message may take (realtime.ringing): one that is gone is
# given up soon, and not tried again meanwhile.
SENTINEL_TIMEOUTS = {"socket_timeout": 0.15, "socket_connect_timeout": 0.15, "retry": Retry(NoBackoff(), 0)}


def database(name: str, default: str) -> dict[str, Any]:
    """Django's settings of a database. libpq tries several hosts in turn, each with its port."""
    value = text(name, default)
    scheme, found, rest = value.partition("://")
    if not found or scheme not in ("sqlite", "postgres", "postgresql"):
        raise BadSetting(name, shown_address(value), DATABASES)
    if scheme == "sqlite":
        return _parsed(name, value, value)
    authority, tail = _authority(rest)
    credentials, at, servers = authority.rpartition("@")
    hosts = _hosts(name, value, servers, DATABASES)
    _check_tail(name, value, tail, at, DATABASES)
    settings = _parsed(name, value, f"{scheme}://{credentials}{at}host{tail}")
    settings["HOST"] = ",".join(unquote(host).strip("[]") for host, _ in hosts)
    settings["PORT"] = ",".join(port for _, port in hosts) if any(port for _, port in hosts) else ""
    _check_options(name, value, settings)
    return settings


def _parsed(name: str, value: str, address: str) -> dict[str, Any]:
    try:
        return dict(dj_database_url.parse(address))
    except ValueError:
        raise BadSetting(name, shown_address(value), f"{DATABASES}; {ENCODE}") from None


def _check_options(name: str, value: str, settings: dict[str, Any]) -> None:
    """Refuse what libpq would refuse at each connection."""
    options = settings.get("OPTIONS", {})
    try:
        make_conninfo(**{key: text for key, text in options.items() if key not in DJANGO_OPTIONS})
    except ProgrammingError as failure:
        why = str(failure).strip()
    else:
        if settings["NAME"] or {"dbname", "service"} & set(options):
            return
        why = "the name of the database is missing"
    raise BadSetting(name, shown_address(value), f"{DATABASES}; {why}")


def redis_urls(name: str) -> list[str]:
    """The addresses of the servers that rooms are spread over, each as it was given."""
    value = text(name)
    found = _addresses(value)
    if any("@" in item and "://" not in item for item in found):  # the end of a password with a comma
        raise BadSetting(name, shown_address(value), f"{SERVERS}; {ENCODE}")
    return found


def redis_host(name: str, value: str) -> dict[str, Any]:
    scheme, found, rest = value.partition("://")
    if found and scheme in SENTINEL_SCHEMES:
        return _sentinel(name, value, rest, encrypted=SENTINEL_SCHEMES[scheme])
    scheme = _SCHEMES.get(scheme, scheme)
    if not found or scheme not in ("redis", "rediss", "unix"):
        raise BadSetting(name, shown_address(value), SERVERS)
    authority, tail = _authority(rest)
    _, at, server = authority.rpartition("@")
    if scheme != "unix":
        _hosts(name, value, server, SERVERS, needed=True)
    elif not urlsplit(value).path:
        raise BadSetting(name, shown_address(value), SERVERS)
    _check_tail(name, value, tail, at, SERVERS)
    if scheme != "unix" and not _NUMBER.fullmatch(tail.partition("?")[0]):
        raise BadSetting(name, shown_address(value), f"{SERVERS}; {NUMBER}")  # redis-py would take it for 0
    address = f"{scheme}://{rest}"
    _redis_options(name, value, address)
    return {"address": address, **TIMEOUTS}


def _redis_options(name: str, value: str, address: str) -> dict[str, Any]:
    """What redis-py makes of an address; BadSetting where it, or its connections, would refuse it later."""
    try:
        options: dict[str, Any] = dict(parse_url(address))
        ConnectionPool.from_url(address).make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, RedisError) as failure:
        why = ENCODE if "IPv6" in str(failure) else _CALL.sub("", str(failure))
        raise BadSetting(name, shown_address(value), f"{SERVERS}; {why}") from None
    if options.get("db", 0) < 0:
        raise BadSetting(name, shown_address(value), f"{SERVERS}; {NUMBER}")
    if options.get("decode_responses"):
        raise BadSetting(
            name, shown_address(value), f"{SERVERS}; without decode_responses: messages are bytes"
        )
    return options


def _sentinel(name: str, value: str, rest: str, encrypted: bool) -> dict[str, Any]:
    authority, tail = _authority(rest)
    credentials, at, servers = authority.rpartition("@")
    hosts = _hosts(name, value, servers, SERVERS, needed=True)
    _check_tail(name, value, tail, at, SERVERS)
    path, _, query = tail.partition("?")
    master, _, number = path.removeprefix("/").partition("/")
    if not master or not _DIGITS.fullmatch(number):
        allowed = (
            "a Sentinel's address with the name of its master, like redis+sentinel://host:26379/mymaster/0"
        )
        raise BadSetting(name, shown_address(value), allowed)
    own = dict(parse_qsl(query))
    for_sentinels = {key: own.pop(f"sentinel_{key}", None) for key in ("username", "password")}
    address = f"{'rediss' if encrypted else 'redis'}://{credentials}{at}host/{number}?{urlencode(own)}"
    given = _redis_options(name, value, address)
    shared = {**TIMEOUTS, **{key: option for key, option in given.items() if key.startswith("ssl_")}}
    connect = {
        key: option for key, option in given.items() if key not in ("host", "port", "connection_class")
    }
    return {
        "sentinels": [(host.strip("[]"), int(port or SENTINEL_PORT)) for host, port in hosts],
        "master_name": unquote(master),
        "sentinel_kwargs": {**for_sentinels, **shared, **SENTINEL_TIMEOUTS, "ssl": encrypted},
        "ssl": encrypted,
        **shared,
        **connect,
    }


def _addresses(value: str) -> list[str]:
    """The items of a list, each from its scheme on: the hosts of a Sentinel have commas between them, too."""
    found: list[str] = []
    for part in filter(None, map(str.strip, value.split(","))):
        if found and "://" not in part and found[-1].partition("://")[0] in SENTINEL_SCHEMES:
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def _authority(rest: str) -> tuple[str, str]:
    """What stands between the scheme and the path, and what comes from the path on."""
    end = _END.search(rest)
    return (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])


def _hosts(name: str, value: str, servers: str, allowed: str, needed: bool = False) -> list[tuple[str, str]]:
    found = []
    for server in servers.split(","):
        read = _HOST.match(server)
        if read is None or int(read["port"] or 1) not in PORTS or (needed and not read["host"]):
            why = ENCODE if "@" in value else "host names or addresses with a port from 1 to 65535"
            raise BadSetting(name, shown_address(value), f"{allowed}; {why}")
        found.append(((read["host"] or ""), read["port"] or ""))
    return found


def _check_tail(name: str, value: str, tail: str, credentials: str, allowed: str) -> None:
    """Refuse what is left of a password whose / ? or # ended the address early."""
    path, asked, query = tail.partition("?")
    odd = "#" in tail or "@" in path or (asked and any("=" not in item for item in query.split("&") if item))
    if odd or ("@" in query and not credentials):
        raise BadSetting(name, shown_address(value), f"{allowed}; {ENCODE}")
