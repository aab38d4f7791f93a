"""How many log-ins may be tried in a minute: by an address, and by a browser that has logged in there before.

Judged before a password is hashed, by this process's memory alone. A log-in that succeeds costs nothing, so
that people of one office may all log in at nine; those whose browser is known are counted by themselves.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs

import orjson
from django.http import parse_cookie

from realtime import devices
from realtime.devices import Device
from realtime.quotas import TokenBuckets
from realtime.throttling import AddressBuckets

LONGEST_FORM = 16_384  # bytes of a body in which a name is looked for


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was let through; `key` is an address, or a device's id where it was counted by that alone."""

    key: str
    device: Device | None = None


class LogInAttempts:
    """The attempts of a process; 0 a minute is no limit. Times are of a monotonic clock, in seconds."""

    def __init__(self, per_minute: int) -> None:
        self._by_address = AddressBuckets(per_minute)
        self._by_device = TokenBuckets(max(1, per_minute // 2) if per_minute else 0)

    def take(self, address: str, device: Device | None, now: float) -> Attempt | None:
        """Count an attempt; None where there are too many."""
        if device is not None and self._by_device.take(device.id, now):
            return Attempt(device.id, device)
        return Attempt(address) if self._by_address.take(address, now) else None

    def give_back(self, attempt: Attempt, now: float) -> None:
        """It succeeded."""
        counted: AddressBuckets | TokenBuckets = (
            self._by_address if attempt.device is None else self._by_device
        )
        counted.give_back(attempt.key, now)

    def wait(self, address: str, now: float) -> float:
        """In how many seconds the address may try again."""
        return self._by_address.wait(address, now)


def known_device(cookies: str, media_type: str, body: bytes) -> Device | None:
    """The browser of a log-in that is about to be tried, where its name has logged in there before.

    Asks no database: whether the password of then is still the user's is asked later, by `log_in_lock`.
    cookies, media_type: the headers Cookie and Content-Type
    """
    device = devices.read(parse_cookie(cookies).get(devices.COOKIE, ""))
    name = _name(media_type, body) if device is not None and len(body) <= LONGEST_FORM else None
    known = device is not None and name is not None and device.password_of(name) is not None
    return device if known else None


def _name(media_type: str, body: bytes) -> str | None:
    """The username in the body of a log-in, form or JSON."""
    try:
        if "json" in media_type:
            found = orjson.loads(body)
            name = found.get("username") if isinstance(found, dict) else None
        else:
            name = parse_qs(body.decode(), max_num_fields=20).get("username", [None])[0]
    except ValueError:  # not of that type, or too many fields
        return None
    return name if isinstance(name, str) else None
