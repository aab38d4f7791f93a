"""Rows as the gateways write them, and the browsers of people who look at them."""

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from realtime import leases, records
from realtime.leases import Condition, Holder
from realtime.models import ConnectionRecord, GatewayProcess
from realtime.records import Snapshot
from realtime.targets import Target

HOLDER = Holder("gateway-one", "1.2.3", "host", 4711)
PAGES = {
    "overview": "/admin/",
    "policy": "/admin/policy/",
    "live": "/admin/realtime/liveconnection/",
    "ended": "/admin/realtime/endedconnection/",
    "gateways": "/admin/realtime/gatewayprocess/",
    "blocked": "/admin/realtime/blockednetwork/",
    "journal": "/admin/realtime/operatoraction/",
}


def staff(*permissions: str) -> Client:
    """A browser of a member of staff with these permissions of the real-time service."""
    user = get_user_model().objects.create_user(f"staff-{uuid4().hex[:6]}", password=None, is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="realtime", codename__in=permissions)
    )
    client = Client()
    client.force_login(user)
    return client


def operators_browser() -> Client:
    """Of one who may do everything here."""
    return staff("view_connections", "disconnect", "change_policy")


def connect(username: str | None = "ada", *, address: str = "192.0.2.7", **values: Any) -> ConnectionRecord:
    """A live connection on a gateway that lives."""
    key = str(uuid4())
    snapshot = Snapshot(
        id=key,
        user_id=username and f"id-of-{username}",
        username=username,
        address=address,
        agent="a browser",
        transport="websocket",
        rooms=(),
        opened_at=time.monotonic() - 60,
        last_frame_at=time.monotonic(),
        frames_in=1,
        frames_out=2,
        credential="guest" if username is None else "token",
    )
    if not leases.renew(HOLDER, Condition(1, bell_healthy=True, rules_seq=99)):
        leases.take(HOLDER, Condition(1, bell_healthy=True, rules_seq=99))
    records.write(HOLDER, Condition(1, bell_healthy=True, rules_seq=99), [snapshot])
    # On a busy machine a test may take longer than the few seconds of a lease, and nobody renews this one.
    GatewayProcess.objects.filter(instance=HOLDER.instance).update(expires_at=Now() + timedelta(hours=1))
    if values:
        ConnectionRecord.objects.filter(pk=key).update(**values)
    return ConnectionRecord.objects.get(pk=key)


def text(client: Client, address: str, status: int = 200, **data: Any) -> str:
    answer = client.get(address, data)
    assert answer.status_code == status, answer.content[:2000]
    return str(answer.content.decode())


def order(client: Client, target: Target, reason: str = "", **options: Any) -> Any:
    """Confirm the page that asks for the reason."""
    form = {"target": orjson.dumps(target.stored()).decode(), "reason": reason}
    return client.post(f"{PAGES['live']}disconnect/", form, **options)


def ask(client: Client, action: str, *chosen: ConnectionRecord, query: str = "", **form: Any) -> Any:
    """Tick connections of the live list and choose an action."""
    form = {"action": action, "_selected_action": [str(one.pk) for one in chosen], **form}
    return client.post(f"{PAGES['live']}{query}", form)


def asked_target(answer: Any) -> Target:
    """What the page that asks for the reason will order."""
    return Target.read(orjson.loads(answer.context_data["stored"]))


def close(record: ConnectionRecord) -> None:
    """As its gateway writes it."""
    ConnectionRecord.objects.filter(pk=record.pk).update(
        closed_at=timezone.now(), close_code=4403, close_reason="lost laptop"
    )
