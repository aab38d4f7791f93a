"""The operators' journal: what each of them did, with the old value and the new, and why.

An entry is written in the transaction of what it tells of, while the journal's counter row is locked. So its
seq counts 1, 2, 3 … in order of commit, and gateways follow it as the log of a room is followed: by number,
whatever becomes of the channel layer. The same entry stands in Django's admin log.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from realtime import broadcast, timelines
from realtime.characters import check_line
from realtime.models import OperatorAction, RoomHead
from realtime.policy import shown

COUNTER = "operators"  # a room's name has a colon
FOLLOW = {"order": "rules"}
BLOCK = "block"
UNBLOCK = "unblock"
POLICY = "policy"
RIGHTS = "rights"
DISCONNECT = "disconnect"  # the action that gateways carry out; the others change what they read


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts: a user of the admin, or of the command line."""

    user_id: Any
    name: str


class Entries:
    """The journal, its counter row locked by the transaction under way. Raises NotAllowed of a reason."""

    def __init__(self, operator: Operator, reason: str) -> None:
        self._operator = operator
        self.reason = " ".join(reason.split())[:500]
        check_line(self.reason)

    def add(self, action: str, target: str, *, old: Any = None, new: Any = None) -> OperatorAction:
        """Write down that the operator did `action` to `target`; None stands for what is not there."""
        RoomHead.objects.filter(room=COUNTER).update(seq=F("seq") + 1)
        entry = OperatorAction(
            seq=RoomHead.objects.values_list("seq", flat=True).get(room=COUNTER),
            at=Now(),
            actor=self._operator.name,
            action=action,
            target=target[:200],
            old=old,
            new=new,
            reason=self.reason,
        )
        entry.save()
        LogEntry.objects.create(
            user_id=self._operator.user_id,
            content_type=ContentType.objects.get_for_model(OperatorAction),
            object_id=str(entry.seq),
            object_repr=str(entry)[:200],
            action_flag=ADDITION if old is None else DELETION if new is None else CHANGE,
            change_message=self._message(action, old, new),
        )
        return entry

    def _message(self, action: str, old: Any, new: Any) -> str:
        if action == DISCONNECT or old is new is None:
            return self.reason
        change = f"{shown(old)} → {shown(new)}"
        return f"{change}. {self.reason}" if self.reason else change


@contextmanager
def writing(operator: Operator, reason: str = "") -> Iterator[Entries]:
    """Open a transaction and lock the journal's counter; gateways hear of what was added once it commits."""
    with transaction.atomic():
        RoomHead.objects.get_or_create(room=COUNTER)
        timelines.lock(RoomHead.objects.filter(room=COUNTER))
        yield Entries(operator, reason)
        transaction.on_commit(partial(broadcast.order, FOLLOW), robust=True)


def head() -> int:
    """seq of the newest entry, 0 before the first."""
    return OperatorAction.objects.aggregate(newest=Max("seq"))["newest"] or 0


def orders(seq: int, until: int) -> list[OperatorAction]:
    """The orders to disconnect after `seq` up to `until`, in order."""
    entries = OperatorAction.objects.filter(action=DISCONNECT, seq__gt=seq, seq__lte=until)
    return list(entries.order_by("seq"))
