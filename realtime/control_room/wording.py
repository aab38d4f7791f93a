"""What an entry of the operators' journal says, in words."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format

from realtime import journal, policy
from realtime.models import OperatorAction
from realtime.policy import SETTINGS, shown

MOMENT = "j M H:i:s"


def moment(at: datetime | None) -> str:
    """To the second, in UTC."""
    return "—" if at is None else date_format(at, MOMENT)


def told(entry: OperatorAction) -> str:
    """What was done, to whom or what, with what came before and after it."""
    match entry.action:
        case journal.DISCONNECT:
            return f"Disconnected {entry.target}"
        case journal.BLOCK:
            return f"Blocked {entry.target} {_until(entry.new)}"
        case journal.UNBLOCK:
            return f"Let {entry.target} in again"
        case "policy" if entry.target == policy.DROPPED_SECRET:
            return "Dropped the previous secret"
        case "policy":
            return _setting(entry)
        case "rights":
            return f"Rights of {entry.target}: {_rights(entry.old)} → {_rights(entry.new)}"
    return f"{entry.action.capitalize()}: {entry.target}"


def _setting(entry: OperatorAction) -> str:
    setting = SETTINGS.get(entry.target)
    label = setting.label if setting else entry.target
    return f"{label}: {shown(entry.old, setting)} → {shown(entry.new, setting)}"


def _until(value: Any) -> str:
    until = (value or {}).get("until")
    return f"until {moment(parse_datetime(until))}" if until else "until it is lifted"


def _rights(value: Any) -> str:
    named = {name.removeprefix("is_").replace("_", " "): each for name, each in (value or {}).items()}
    return ", ".join(f"{name} {shown(each) or 'none'}" for name, each in named.items())
