"""Readers of plain values: text, switches, numbers, lists, secrets, files."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from devmentor.env.errors import BadSetting
from devmentor.log_handlers import open_for_appending
from realtime.workers import SUPERVISED

TRUE = {"true", "1", "yes", "on"}
FALSE = {"false", "0", "no", "off"}
SECRET_LEAST_BYTES = 32  # RFC 7518, section 3.2: an HS256 key is at least as long as its hash
# What Kubernetes puts into the environment of each container for a service of the name WEB: WEB_PORT=tcp://…
SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://[0-9a-f.:\[\]]+\Z", re.IGNORECASE)
NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # control characters; bytes that are no UTF-8

ignored: dict[str, str] = {}  # names of ours that hold a service link, which is no setting


def text(name: str, default: str = "") -> str:
    value = os.environ.get(name, "").strip()
    if SERVICE_LINK.match(value) and not name.endswith("_URL"):  # there it is a typing error
        ignored[name] = value
        return default
    if NO_TEXT.search(value):
        raise SystemExit(f"{name}: expected one line of text in UTF-8")  # its value may be a secret
    return value or default


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


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """One of the words that are allowed, which are in small letters."""
    value = text(name, default).lower()
    if value not in allowed:
        raise BadSetting(name, os.environ[name], f"one of {', '.join(allowed)}")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list, without empty items."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


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


def require_folder(name: str) -> None:
    """Where the variable is set it names a folder that is there."""
    value = text(name)
    if value and not Path(value).is_dir():
        raise BadSetting(name, value, "a folder that is there; empty: none")


def log_file(name: str) -> str:
    """A file that can be appended to, or that can be made. It is made by who logs, not by who looks."""
    value = text(name)
    if not value or SUPERVISED in os.environ:  # a worker that is started again serves without its log, too
        return value
    path = Path(value)
    try:
        if path.exists():
            open_for_appending(value).close()
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            path.parent.stat()
            raise PermissionError(None, "no right to write in its folder")
        elif not path.parent.is_dir():
            raise NotADirectoryError(None, "Not a directory")
    except OSError as failure:
        allowed = f"a file that can be written to, but: {failure.strerror}; empty: no file"
        raise BadSetting(name, value, allowed) from None
    return value
