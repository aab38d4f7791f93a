"""What operators do, and orders to live sockets: given from anywhere, carried out by the gateways.

Each of an operator's functions writes what it does and its entry in the journal in one transaction. They take
the `Operator` who acts and a reason, and raise ValueError, which says what was expected.
"""

import getpass
import socket
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from realtime import broadcast, journal, policy, records, rules
from realtime.journal import RIGHTS as RIGHTS
from realtime.journal import Entries as Entries
from realtime.journal import Operator as Operator
from realtime.models import BlockedNetwork, OperatorAction, PolicySetting
from realtime.networks import contains, read_network
from realtime.targets import Target

COMMAND_LINE = "command-line"
GATEWAY = "gateway"
LEAST_HOURS, MOST_HOURS = 0.01, 24 * 366  # of a block that ends by itself
# Django's permissions.
VIEW = "realtime.view_connections"
DISCONNECT = "realtime.disconnect"
POLICY = "realtime.change_policy"


def user_changed(user_id: str) -> None:
    """A user was disabled or logged out, or their password or rights changed: check after commit what they
    have opened.
    """
    transaction.on_commit(
        partial(broadcast.order, {"order": "user-changed", "user": str(user_id)}), robust=True
    )


def operator_of(user: Any) -> Operator:
    """The user of a request as an operator."""
    return Operator(user.pk, user.get_username())


def command_line() -> Operator:
    """Who types a command: by the shell's name, and as a user who cannot log in for Django's admin log."""
    user, _ = get_user_model().objects.get_or_create(
        username=COMMAND_LINE, defaults={"is_active": False, "password": "!"}
    )
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in passwd
        name = "unknown"
    return Operator(user.pk, f"{name}@{socket.gethostname()}"[:150])


def gateway(user: Any) -> Operator:
    """A gateway, which tells operators of something by itself. Django's admin log names whom it touches."""
    return Operator(user.pk, GATEWAY)


def set_policy(operator: Operator, changes: Mapping[str, Any], reason: str = "") -> list[OperatorAction]:
    """Set switches and limits, by name; None takes back what was set. What stays as it was is no entry."""
    checked = {name: policy.named(name).check(value) for name, value in changes.items()}
    with journal.writing(operator, reason) as entries:
        rows = dict(PolicySetting.objects.filter(name__in=checked).values_list("name", "value"))
        return [
            _set(operator, entries, name, rows.get(name), value)
            for name, value in checked.items()
            if rows.get(name) != value
        ]


def drop_previous_secret(operator: Operator, reason: str = "") -> None:
    """Accept tokens of JWT_SECRET_PREVIOUS no longer; the sockets that live on them are closed with 4401."""
    digest = policy.secret_digest(settings.JWT_SECRET_PREVIOUS)
    if digest is None:
        raise ValueError("JWT_SECRET_PREVIOUS is not set: there is no previous secret to drop")
    with journal.writing(operator, reason) as entries:
        dropped = PolicySetting.objects.filter(name=policy.DROPPED_SECRET).values_list("value", flat=True)
        before: list[str] = dropped.first() or []
        if digest not in before:  # the others stay dropped: a gateway may be left that was started with one
            _set(operator, entries, policy.DROPPED_SECRET, before or None, [*before, digest])


def _set(operator: Operator, entries: journal.Entries, name: str, old: Any, new: Any) -> OperatorAction:
    values = {"value": new, "set_at": Now(), "set_by": operator.name}
    PolicySetting.objects.update_or_create(name=name, defaults=values)
    return entries.add(journal.POLICY, name, old=old, new=new)


def block(
    operator: Operator, network: str, *, until: datetime | None = None, reason: str = ""
) -> OperatorAction:
    """Keep a network out, its open sockets too; blocking it again sets another end and reason."""
    found = str(read_network(network))
    with journal.writing(operator, reason) as entries:
        before = BlockedNetwork.objects.filter(network=found).first()
        values: dict[str, Any] = {
            "until": until,
            "reason": entries.reason,
            "blocked_at": Now(),
            "blocked_by": operator.name,
        }
        BlockedNetwork.objects.update_or_create(network=found, defaults=values)
        old = None if before is None else _block_value(before.until)
        return entries.add(journal.BLOCK, found, old=old, new=_block_value(until))


def unblock(operator: Operator, network: str, reason: str = "") -> OperatorAction | None:
    """Let a network in again; None where it was not blocked."""
    found = str(read_network(network))
    with journal.writing(operator, reason) as entries:
        row = BlockedNetwork.objects.filter(network=found).first()
        if row is None:
            return None
        row.delete()
        return entries.add(journal.UNBLOCK, found, old=_block_value(row.until), new=None)


def blocked() -> QuerySet[BlockedNetwork]:
    """The blocks that hold now; the others' time is over."""
    return BlockedNetwork.objects.filter(Q(until=None) | Q(until__gt=Now()))


def blocked_around(network: str) -> list[str]:
    """The other blocked networks in which this one lies. Raises ValueError."""
    inner = read_network(network)
    others = blocked().exclude(network=network).values_list("network", flat=True)
    return [other for other in others if contains(other, inner)]


def _block_value(until: datetime | None) -> dict[str, str | None]:
    return {"until": None if until is None else until.isoformat()}


def disconnect(operator: Operator, target: Target, reason: str = "") -> OperatorAction:
    """Close the live connections of a target, whichever gateways hold them, with 4403 and the reason.

    The entry is the order: each gateway carries out what comes after the last one it has seen.
    """
    with journal.writing(operator, reason) as entries:
        return entries.add(journal.DISCONNECT, target.label, new=target.stored())


def noting(operator: Operator, reason: str = "") -> AbstractContextManager[Entries]:
    """For entries of what an operator does that is not the gateway's own affair. The journal is locked from
    then on to the end of the caller's transaction.
    """
    return journal.writing(operator, reason)


def may_view(user: Any) -> bool:
    """Whether a member of staff may see who is connected: all who may act on it may."""
    return any(map(user.has_perm, (VIEW, DISCONNECT, POLICY)))


def live_connections(viewer: Any, user_ids: Iterable[str]) -> int | None:
    """How many sockets these users have open; None for who may not see that."""
    if not may_view(viewer):
        return None
    return records.live().filter(user_id__in=list(user_ids)).count()


def policy_in_force() -> policy.Policy:
    """The switches and limits in force, for the pages of the domain."""
    return rules.in_force()
