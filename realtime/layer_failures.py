"""What to say of a channel layer that does not answer: which server it is, and the innermost reason. Pure.

The layers' libraries wrap what went wrong several times, and the outermost says no more than that it did.
"""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

REDIS_PORT = 6379
_CREDENTIALS = re.compile(r"//[^@/\s]*@")
# redis-py keeps of each Sentinel's failure only the kind, behind a description of an object of its own:
# "No master found for 'mine' : <redis.… object> - auth:AuthenticationError, <redis.… object> - …".
_NO_MASTER = re.compile(r"No master found for '([^']*)'")
_ASKED_IN_VAIN = re.compile(r"> - \w+:(\w+)(?=, <|$)")
_IN_WORDS = {
    "AuthenticationError": "its password was not accepted",
    "ConnectionError": "it could not be reached",
    "TimeoutError": "it did not answer in time",
}


def server_name(host: Mapping[str, Any]) -> str:
    """Where a server of the layer's settings is, without its password."""
    if "master_name" in host:
        sentinels = ", ".join(f"{name}:{port}" for name, port in host["sentinels"])
        return f"{host['master_name']} (Sentinel at {sentinels})"
    parts = urlsplit(str(host.get("address", "")))
    if parts.scheme == "unix":
        return parts.path
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{name or 'localhost'}:{parts.port or REDIS_PORT}"


def reason(failure: BaseException) -> str:
    """The innermost cause in a line: a certificate, a refused connection, a name, a right that is missing."""
    said = [text for each in _chain(failure) if (text := _said(each))]
    text = said[-1] if said else type(failure).__name__
    return _CREDENTIALS.sub("//***@", text)


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        context = None if failure.__suppress_context__ else failure.__context__
        failure = failure.__cause__ or context


def _said(failure: BaseException) -> str:
    if isinstance(failure, asyncio.CancelledError):  # how a time limit ends what it waits for
        return ""
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {failure.verify_message}"
    if isinstance(failure, ssl.SSLError | socket.gaierror):
        return str(failure.strerror or failure)
    if isinstance(failure, OSError) and failure.errno:
        return os.strerror(failure.errno)
    text = str(failure).strip().partition("\n")[0]
    if not text and isinstance(failure, TimeoutError):
        return "no answer in time"
    if no_master := _NO_MASTER.match(text):
        return _without_master(no_master[1], _ASKED_IN_VAIN.findall(text))
    return text


def _without_master(name: str, kinds: list[str]) -> str:
    """Why no Sentinel names a master: those that could not be asked, or none knows one."""
    reasons = dict.fromkeys(_IN_WORDS.get(kind, kind) for kind in kinds)
    asked_in_vain = f" (of a Sentinel: {', or '.join(reasons)})" if reasons else ""
    return f"no Sentinel names a master of {name!r} that is up{asked_in_vain}"
