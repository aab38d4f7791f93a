"""The switches and limits: which there are, and what is in force given what each side says. Pure but for
`environment`, which reads this process's settings.

For a switch the stricter of environment and operators wins, so one that is thrown anywhere holds. For a
number or a text what the operators have set counts, else the environment's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any

from django.conf import settings

from realtime.characters import check_line

MINUTE_MS = 60_000
MOST_DIGITS = 12  # more than any limit has; a number of thousands takes long to read
IPV6 = "Of IPv6 a /64 is one address, and a /48 may have as many as four."
# Kept beside the settings: no switch and no limit, but as much in force.
DROPPED_SECRET = "dropped-secret"  # noqa: S105  its name, under which a digest is kept


class Kind(Enum):
    """What a setting's value is."""

    SWITCH = "on or off"
    NUMBER = "a whole number"
    TEXT = "words for people"


@dataclass(frozen=True, slots=True)
class Setting:
    """One switch or limit.

    variable: the environment variable that says the same for one process; None: operators alone say it
    strict: of a switch, the value that lets clients do less
    least, most: bounds of a number, or `most` of a text's length
    unit: of a number
    """

    name: str
    label: str
    kind: Kind
    variable: str | None
    help: str
    strict: bool = True
    least: int = 0
    most: int = 2**31 - 1
    unit: str = ""

    def check(self, value: Any) -> Any:
        """The value, None for "nothing is set". Raises ValueError, which says what is allowed."""
        if value is None or (self.kind is Kind.TEXT and value == ""):
            return None
        if self.kind is Kind.SWITCH and isinstance(value, bool):
            return value
        if self.kind is Kind.NUMBER and type(value) is int and self.least <= value <= self.most:
            return value
        if self.kind is Kind.TEXT and isinstance(value, str) and len(value) <= self.most:
            words = " ".join(value.split())
            check_line(words)
            return words or None
        raise ValueError(f"{self.name}: expected {self.allowed}")

    def parse(self, text: str) -> Any:
        """A value as it is typed: `on` or `off`, digits, words. Raises ValueError, as `check` does."""
        value: Any = text
        if self.kind is Kind.SWITCH:
            value = {"on": True, "off": False}.get(text, text)
        elif self.kind is Kind.NUMBER and text.isascii() and text.isdigit() and len(text) < MOST_DIGITS:
            value = int(text)
        return self.check(value)

    @property
    def allowed(self) -> str:
        if self.kind is Kind.NUMBER:
            return f"a whole number from {self.least} to {self.most}"
        return f"at most {self.most} characters" if self.kind is Kind.TEXT else "on or off"

    def in_force(self, environment: Any, operators: Any) -> Any:
        """What holds, given what each side says; None where it says nothing."""
        if self.kind is Kind.SWITCH:
            return self.strict if self.strict in (environment, operators) else not self.strict
        return environment if operators is None else operators


_ALL = (
    Setting(
        "realtime",
        "Real-time",
        Kind.SWITCH,
        "ENABLE_REALTIME",
        "Off: every socket is closed with 4000 and everyone polls. Nothing is lost, boards stay true.",
        strict=False,
    ),
    Setting(
        "strict",
        "Strict mode",
        Kind.SWITCH,
        "STRICT_MODE",
        "Credentials, an Origin or a bearer token, and the rate limit are required; a bad frame closes.",
    ),
    Setting(
        "require-auth",
        "Require log-in",
        Kind.SWITCH,
        "REQUIRE_AUTH",
        "Guests read no public board, by socket or by REST.",
    ),
    Setting(
        "rate-limit",
        "Rate limit",
        Kind.SWITCH,
        "RATE_LIMIT_ENABLED",
        "Each socket may send so many frames in a window; who sends twice as many is closed with 4429.",
    ),
    Setting(
        "rate-limit-max",
        "Frames in a window",
        Kind.NUMBER,
        "RATE_LIMIT_MAX",
        "How many frames of one socket pass in a window of the rate limit.",
        least=1,
        unit="frames",
    ),
    Setting(
        "rate-limit-window",
        "Length of a window",
        Kind.NUMBER,
        "RATE_LIMIT_WINDOW",
        "The window in which the rate limit counts.",
        least=100,
        unit="ms",
    ),
    Setting(
        "max-connections",
        "Connections of a gateway",
        Kind.NUMBER,
        "MAX_CONNECTIONS",
        "More are refused with 4503; where more are open already, the newest of them are closed.",
        least=1,
        unit="sockets",
    ),
    Setting(
        "kept-for-users",
        "Kept for users",
        Kind.NUMBER,
        "CONNECTIONS_KEPT_FOR_USERS",
        "The share of a gateway's connections, and of its held polls, that guests cannot take. 0: none.",
        most=100,
        unit="%",
    ),
    Setting(
        "max-connections-per-user",
        "Connections of a user",
        Kind.NUMBER,
        "MAX_CONNECTIONS_PER_USER",
        "Sockets and held polls of one user on one gateway, as above. 0: any number.",
        unit="connections",
    ),
    Setting(
        "max-guests-per-address",
        "Guests of an address",
        Kind.NUMBER,
        "MAX_GUESTS_PER_ADDRESS",
        f"Sockets and held polls of guests from one address on one gateway, as above. {IPV6} 0: any number.",
        unit="connections",
    ),
    Setting(
        "max-connections-per-address",
        "Connections of an address",
        Kind.NUMBER,
        "MAX_CONNECTIONS_PER_ADDRESS",
        "The same of guests and users together: an office may be one address. 0: any number.",
        unit="connections",
    ),
    Setting(
        "max-held-polls",
        "Held polls of a gateway",
        Kind.NUMBER,
        "MAX_HELD_POLLS",
        "More are answered at once, and told to ask again in some seconds. 0: any number.",
        unit="polls",
    ),
    Setting(
        "connection-timeout",
        "Idle time-out",
        Kind.NUMBER,
        "CONNECTION_TIMEOUT",
        "A socket of which nothing is heard for so long, not even a pong, is closed with 4408.",
        least=MINUTE_MS,  # a quiet client is asked for a sign of life after a third of it
        unit="ms",
    ),
    Setting(
        "banner",
        "Banner",
        Kind.TEXT,
        None,
        "Shown on every board, at once.",
        most=300,
    ),
)
SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _ALL}
BROUGHT_BY_STRICT = ("require-auth", "rate-limit")


def named(name: str) -> Setting:
    """Raises ValueError, which says what there is."""
    if name not in SETTINGS:
        raise ValueError(f"{name!r}: expected one of {', '.join(SETTINGS)}")
    return SETTINGS[name]


def understood(rows: Iterable[tuple[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Of what is kept, by name, the values that hold, and what is wrong with each of the others.

    A row may have been written past the controls, or by another version. One of a setting that is not known
    here says nothing.
    """
    found: dict[str, Any] = {}
    wrong = []
    for name, value in rows:
        try:
            found[name] = _read(name, value)
        except ValueError as refused:
            wrong.append(str(refused))
    return found, wrong


def _read(name: str, value: Any) -> Any:
    if name != DROPPED_SECRET:
        return SETTINGS[name].check(value) if name in SETTINGS else None
    digests = value or []
    if not isinstance(digests, list) or not all(isinstance(digest, str) for digest in digests):
        raise ValueError(f"{name}: expected a list of digests")
    return digests


@dataclass(frozen=True, slots=True)
class Policy:
    """What is in force. Windows and timeouts in seconds, `kept_for_users` in percent; of the limits behind
    `max_connections` 0 is none.
    """

    realtime: bool
    strict: bool
    require_auth: bool
    rate_limited: bool
    rate_window: float
    rate_max: int
    max_connections: int
    idle_timeout: float
    kept_for_users: int = 0
    max_per_user: int = 0
    max_guests_per_address: int = 0
    max_per_address: int = 0
    max_held_polls: int = 0
    banner: str | None = None
    previous_secret: bool = False
    """Whether tokens that were signed with JWT_SECRET_PREVIOUS are accepted."""


def environment() -> dict[str, Any]:
    """What this process's environment says, by setting; of the previous secret its digest."""
    found = {s.name: getattr(settings, s.variable) if s.variable else None for s in SETTINGS.values()}
    return {**found, DROPPED_SECRET: secret_digest(settings.JWT_SECRET_PREVIOUS)}


def secret_digest(secret: str) -> str | None:
    """What stands for a secret where it is said which one is meant; None for none."""
    return sha256(secret.encode()).hexdigest()[:16] if secret else None


def values_in_force(of_environment: Mapping[str, Any], of_operators: Mapping[str, Any]) -> dict[str, Any]:
    """What holds, by setting. Strict mode brings required credentials and the rate limit with it."""
    found = {
        name: setting.in_force(of_environment.get(name), of_operators.get(name))
        for name, setting in SETTINGS.items()
    }
    return found | dict.fromkeys(BROUGHT_BY_STRICT, True) if found["strict"] else found


def in_force(of_environment: Mapping[str, Any], of_operators: Mapping[str, Any]) -> Policy:
    """The policy of a process with that environment."""
    values = values_in_force(of_environment, of_operators)
    return Policy(
        realtime=values["realtime"],
        strict=values["strict"],
        require_auth=values["require-auth"],
        rate_limited=values["rate-limit"],
        rate_window=values["rate-limit-window"] / 1000,
        rate_max=values["rate-limit-max"],
        max_connections=values["max-connections"],
        idle_timeout=values["connection-timeout"] / 1000,
        kept_for_users=values["kept-for-users"],
        max_per_user=values["max-connections-per-user"],
        max_guests_per_address=values["max-guests-per-address"],
        max_per_address=values["max-connections-per-address"],
        max_held_polls=values["max-held-polls"],
        banner=values["banner"],
        previous_secret=of_environment.get(DROPPED_SECRET)
        not in (None, *(of_operators.get(DROPPED_SECRET) or ())),
    )


def shown(value: Any, setting: Setting | None = None) -> str:
    """A value for people, of a setting or of an entry of the journal."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {shown(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    unit = f" {setting.unit}" if setting is not None and setting.kind is Kind.NUMBER else ""
    return f"{value}{unit}"
