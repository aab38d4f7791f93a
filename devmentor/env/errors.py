"""A setting that stops the start, and what of its value may be shown."""

import re

ENCODE = "percent-encode / ? # [ ] @ , in its user name and password (/ is %2F, ? is %3F, # is %23, @ is %40)"
_TO_PASSWORD = re.compile(r"[^:/]*(:(?!\d*(/|\Z)))?")  # the host, and a colon behind which no port stands
_NO_ADDRESS = re.compile(r"[\s=;].*")
_TO_HOST = re.compile(r"\w+://[^/?#]*")


class BadSetting(SystemExit):
    """Ends the process with one line on standard error and exit status 1."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name}={shown(value)!r}: expected {allowed}")


def shown(value: str) -> str:
    """A value without a user name and a password, all before its last @. The line ends in logs."""
    before, at, rest = value.rpartition("@")
    scheme, found, _ = before.partition("://")
    return f"{scheme}{found}***@{rest}" if at else value


def shown_address(value: str) -> str:
    """The same of an address that may hold a secret elsewhere, too: without its query, without all that
    follows a colon which no port follows, since that may be a password whose @ is missing, and without what
    no address has, like the `password=…` of another program's settings.
    """
    rest, asked, _ = shown(value).partition("?")
    scheme, found, rest = rest.rpartition("://")
    host = _TO_PASSWORD.match(rest)
    if host and host[1]:
        rest = f"{host[0]}***"
    rest = _NO_ADDRESS.sub("***", rest)
    return scheme + found + rest + ("?***" if asked else "")


def shown_host(value: str) -> str:
    """Scheme and host alone, of an address whose path is the secret, as a webhook's is."""
    found = _TO_HOST.match(shown(value))
    if found is None:
        return "***"
    return found[0] + ("***" if len(found[0]) < len(shown(value)) else "")
