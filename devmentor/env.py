"""Loud readers of the environment.

Each reader takes a variable's name and its default and returns a value of one type. A value that
does not parse stops the start with one line that names the variable, the value and what is allowed:
a typing error in a switch must never pass for "off".
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from realtime.networks import Network, read_network

TRUE = {"true", "1", "yes", "on"}
FALSE = {"false", "0", "no", "off"}
SECRET_LEAST_BYTES = 32  # RFC 7518, section 3.2: an HS256 key is at least as long as its hash


class BadSetting(SystemExit):
    """Ends the process with one line on standard error and exit status 1."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        shown = re.sub(r"//[^@/]*@", "//***@", value)  # an address may carry a password
        super().__init__(f"{name}={shown!r}: expected {allowed}")


def load_files(folder: Path) -> None:
    """Read `.env`, then `.env.local` over it, below what the environment itself says.

    An environment that sets DEBUG to false is a production one: there no file counts.
    """
    if os.environ.get("DEBUG", "").strip().lower() in FALSE:
        return
    found: dict[str, str | None] = {}
    for name in (".env", ".env.local"):
        found.update(dotenv_values(folder / name))
    for key, value in found.items():
        if value is not None:
            os.environ.setdefault(key, value)


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def boolean(name: str, default: bool) -> bool:
    value = text(name).lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    if value:
        raise BadSetting(name, os.environ[name], "true or false (also 1, 0, yes, no, on, off)")
    return default


def whole(name: str, default: int, least: int = 0, most: int = 2**31 - 1) -> int:
    value = text(name)
    if not value:
        return default
    allowed = f"a whole number from {least} to {most}"
    if not (value.isascii() and value.isdigit() and len(value) < 12):
        raise BadSetting(name, value, allowed)
    if not least <= int(value) <= most:
        raise BadSetting(name, value, allowed)
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list, without empty items."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    value = text(name, default)
    if value:
        _split_url(name, value, schemes)
    return value


def urls(name: str, schemes: tuple[str, ...]) -> list[str]:
    found = words(name)
    for value in found:
        _split_url(name, value, schemes)
    return found


def origins(name: str, default: str) -> list[str]:
    """Origins as browsers send them: scheme, host and port, nothing behind."""
    found = []
    for value in words(name, default):
        parts = _split_url(name, value.rstrip("/"), ("http", "https"))
        if parts.path or parts.query or parts.fragment or parts.username:
            raise BadSetting(name, value, "origins like https://boards.example.com, without a path")
        found.append(f"{parts.scheme}://{parts.netloc}".lower())
    return found


def networks(name: str) -> list[Network]:
    found = []
    for value in words(name):
        try:
            found.append(read_network(value))
        except ValueError:
            raise BadSetting(name, value, "addresses or networks like 10.0.0.0/8, comma-separated") from None
    return found


def secret(name: str, debug: bool, default: str) -> str:
    """A key of 32 bytes or more; only with DEBUG on may it be missing or short."""
    value = text(name)
    if len(value.encode()) >= SECRET_LEAST_BYTES or (debug and value):
        return value
    if debug:
        return default
    shown = "(not set)" if not value else f"({len(value.encode())} bytes)"
    raise SystemExit(
        f"{name} {shown}: expected a secret of at least {SECRET_LEAST_BYTES} bytes while DEBUG is off, "
        f"such as `openssl rand -base64 32` prints; DEBUG=true does without, for development"
    )


def _split_url(name: str, value: str, schemes: tuple[str, ...]):  # type: ignore[no-untyped-def]
    allowed = "an address that starts with " + " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  urlsplit looks at the port only when asked
    except ValueError:
        raise BadSetting(name, value, allowed) from None
    if parts.scheme not in schemes or not (parts.hostname or parts.scheme == "sqlite" or parts.path):
        raise BadSetting(name, value, allowed)
    return parts
