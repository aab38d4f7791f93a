"""Leases: which gateway processes live. By the database's clock alone, so machines may disagree on the time.

A gateway renews its lease every RENEW_SECONDS. One whose lease has run out is taken for dead: any other ends
the lease and closes off the connections that it had. Whoever writes connections, their own gateway or the one
that closes them off, has locked the lease before, so no connection is ever written under a lease that has
ended. A gateway that was only paused finds its lease ended, and takes it again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from realtime import metrics
from realtime.models import ConnectionRecord, GatewayProcess

LEASE_SECONDS = 6
RENEW_SECONDS = 2
GATEWAY_DIED = "its gateway died"
GATEWAY_DIED_CODE = 1006


@dataclass(frozen=True, slots=True)
class Holder:
    """A gateway process, as it introduces itself."""

    instance: str
    version: str
    host: str
    pid: int
    environment: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a gateway does, told with each renewal. `memory`: resident bytes, 0 where the system tells none."""

    connections: int
    bell_healthy: bool
    rules_seq: int = -1
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Expired:
    """A lease that has run out, and how many connections were closed off with it."""

    instance: str
    connections: int


def live() -> Q:
    """The gateways whose lease has neither ended nor run out."""
    return Q(ended_at=None, expires_at__gte=Now())


def renew(holder: Holder, condition: Condition) -> bool:
    """Hold a lease for longer, its row locked until the transaction ends; False where it has been ended."""
    held = GatewayProcess.objects.filter(instance=holder.instance, ended_at=None)
    return held.update(**_renewed(condition)) == 1


def take(holder: Holder, condition: Condition) -> None:
    """Begin a lease, or take it again, its row locked until the transaction ends."""
    who = {
        "version": holder.version,
        "host": holder.host,
        "pid": holder.pid,
        "environment": holder.environment,
    }
    given = {**who, **_renewed(condition), "ended_at": None}
    GatewayProcess.objects.update_or_create(
        instance=holder.instance, defaults=given, create_defaults={**given, "started_at": Now()}
    )


def _renewed(condition: Condition) -> dict[str, Any]:
    return {
        "renewed_at": Now(),
        "expires_at": Now() + timedelta(seconds=LEASE_SECONDS),
        "connections": condition.connections,
        "bell_healthy": condition.bell_healthy,
        "rules_seq": condition.rules_seq,
        "memory": condition.memory,
    }


def renewed_at(holder: Holder) -> datetime:
    """The database's time at the renewal."""
    return GatewayProcess.objects.values_list("renewed_at", flat=True).get(instance=holder.instance)


def end(holder: Holder) -> None:
    """Give one's own lease back."""
    held = GatewayProcess.objects.filter(instance=holder.instance, ended_at=None)
    held.update(ended_at=Now(), connections=0)


def expire_overdue() -> list[Expired]:
    """End every lease that has run out, and close off its connections.

    However many look at the same time, each lease has one who ends it: the others' condition no longer holds.
    """
    overdue = GatewayProcess.objects.filter(_overdue()).values_list("instance", flat=True)
    found = [_expire(instance) for instance in overdue]
    return [expired for expired in found if expired is not None]


def _overdue() -> Q:
    return Q(ended_at=None, expires_at__lt=Now())


def _expire(instance: str) -> Expired | None:
    with transaction.atomic():
        ended = GatewayProcess.objects.filter(_overdue(), instance=instance).update(
            ended_at=Now(), connections=0
        )
        if not ended:
            return None
        closed = open_records(instance).update(
            closed_at=Now(), close_code=GATEWAY_DIED_CODE, close_reason=GATEWAY_DIED
        )
    metrics.LEASES_EXPIRED.inc()
    return Expired(instance, closed)


def open_records(instance: str) -> QuerySet[ConnectionRecord]:
    return ConnectionRecord.objects.filter(gateway_id=instance, closed_at=None)


def is_eldest(holder: Holder) -> bool:
    """Whether this gateway has been there the longest of those that live: it does what one does for all."""
    eldest = GatewayProcess.objects.filter(live()).order_by("started_at", "instance").first()
    return eldest is not None and eldest.instance == holder.instance
