"""What an entry of the operators' journal says, in words."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format

from realtime import journal, policy
from realtime.characters import escaped
from realtime.models import OperatorAction
from realtime.policy import SETTINGS, shown

MOMENT = "j M Y H:i:s"
MOST_NAMED = 10


def moment(at: datetime | None) -> str:
    """To the second, in UTC."""
    return "—" if at is None else date_format(at, MOMENT)


def told(entry: OperatorAction) -> str:
    """What was done, to whom or what, with what came before and after it."""
    return escaped(_told(entry))


def _told(entry: OperatorAction) -> str:
    match entry.action:
        case journal.DISCONNECT:
            return f"Disconnected {entry.target}"
        case journal.BLOCK:
            return f"Blocked {entry.target} {_until(entry.new)}"
        case journal.UNBLOCK:
            return f"Let {entry.target} in again"
        case journal.POLICY if entry.target == policy.DROPPED_SECRET:
            return "Dropped the previous secret"
        case journal.POLICY:
            return _setting(entry)
        case journal.RIGHTS:
            return f"Rights of {entry.target}: {_rights(entry)}"
    what = f"{entry.action.capitalize()}: {entry.target}"
    return what if entry.new is None else f"{what}: {shown(entry.new)}"


def _setting(entry: OperatorAction) -> str:
    setting = SETTINGS.get(entry.target)
    label = setting.label if setting else entry.target
    return f"{label}: {shown(entry.old, setting)} → {shown(entry.new, setting)}"


def _until(value: Any) -> str:
    until = _mapping(value).get("until")
    return f"until {moment(parse_datetime(until))}" if until else "until it is lifted"


def _rights(entry: OperatorAction) -> str:
    old, new = _mapping(entry.old), _mapping(entry.new)
    return "; ".join(
        f"{name.removeprefix('is_').replace('_', ' ')} {_change(old.get(name), value)}"
        for name, value in sorted(new.items())  # PostgreSQL keeps them in an order of its own
    )


def _change(old: Any, new: Any) -> str:
    """`on → off`; of a list what has come and gone."""
    if not (isinstance(old, list) and isinstance(new, list)):
        return f"{shown(old)} → {shown(new)}"
    changes = [f"+ {one}" for one in new if one not in old] + [f"− {one}" for one in old if one not in new]
    more = len(changes) - MOST_NAMED
    return ", ".join([*changes[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _mapping(value: Any) -> dict[str, Any]:
    """What another version has written may have another shape."""
    return value if isinstance(value, dict) else {}
