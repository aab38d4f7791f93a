"""How many log-ins may be tried in a minute: by an address, and by a browser that has logged in there before.

Judged before a password is hashed, by this process's memory alone. A log-in that succeeds costs its address
nothing, so that people of one office may all log in at nine; it counts for its name instead. Those whose
browser is known are counted by themselves.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs

import orjson
from django.http import parse_cookie

from realtime import devices
from realtime.devices import Device
from realtime.networks import counted_as
from realtime.quotas import TokenBuckets
from realtime.throttling import AddressBuckets

LONGEST_FORM = 65_536  # bytes of a body in which a name is looked for
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
LEAST_SUCCESSES = 10  # of a name in a minute, however few may fail


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


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a log-in says that it is of, and from where.

    name: in one spelling; None where the body holds none that can be read
    device: one in which that name has logged in before
    """

    address: str
    name: str | None = None
    device: Device | None = None

    @property
    def share(self) -> str:
        """What the places are shared out by: of strangers who try a name, only those at one's own address."""
        return f"{self.name}" if self.device else f"{self.name or ''} at {counted_as(self.address)}"


class NameLimits:
    """What one name may take of the time in which passwords are hashed; `places` at a time.

    Who knows the password could else log in rightly on and on, in many browsers at once, and take it all.
    What fails counts for no name: nobody is kept out by what strangers try.
    """

    def __init__(self, per_minute: int, places: int) -> None:
        self._succeeded = TokenBuckets(max(LEAST_SUCCESSES, 2 * per_minute) if per_minute else 0)
        self._places = places
        self._taken: Counter[str] = Counter()

    def wait(self, claim: Claim, now: float) -> float:
        """In how many seconds there will be another log-in for the name; 0: there is one."""
        return self._succeeded.wait(claim.name, now) if claim.name else 0.0

    def has_place(self, claim: Claim) -> bool:
        return self._taken[claim.share] < self._places

    @contextmanager
    def place(self, claim: Claim) -> Iterator[None]:
        """Take a place for as long as the log-in is under way."""
        self._taken[claim.share] += 1
        try:
            yield
        finally:
            self._taken[claim.share] -= 1
            if not self._taken[claim.share]:
                del self._taken[claim.share]

    def count_success(self, claim: Claim, now: float) -> None:
        if claim.name:
            self._succeeded.spend(claim.name, 1, now)


def read_claim(address: str, cookies: str, media_type: str, body: bytes) -> Claim:
    """Who is about to log in. Asks no database: whether the password of then is still the user's is asked
    later, by `log_in_lock`.

    cookies, media_type: the headers Cookie and Content-Type
    """
    written = _name(media_type, body) if len(body) <= LONGEST_FORM else None
    if written is None:
        return Claim(address)
    device = devices.read(parse_cookie(cookies).get(devices.COOKIE, "")) if cookies else None
    known = device is not None and device.password_of(written) is not None
    return Claim(address, devices.digest(written), device if known else None)


def _name(media_type: str, body: bytes) -> str | None:
    """The username in the body of a log-in, form or JSON, as the views read it."""
    kind = media_type.partition(";")[0].strip().lower()
    name: object = None
    try:
        if kind == JSON:
            found = orjson.loads(body)
            name = found.get("username") if isinstance(found, dict) else None
        elif kind == FORM:
            name = parse_qs(body.decode(), max_num_fields=20).get("username", [None])[-1]
    except ValueError:  # not of that type, or too many fields
        return None
    return name if isinstance(name, str) else None
