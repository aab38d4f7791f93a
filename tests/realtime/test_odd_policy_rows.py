"""What operators have set, where a row is not understood or nothing can be read: a gateway says so.

Such a row was written past the controls, or by another version of the service.
"""

import httpx
import pytest

from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.raw_http import get
from tests.support.sockets import Socket
from tests.support.stack import Stack

WRITE = """
from django.db.models.functions import Now
from realtime.models import PolicySetting
values = {{"value": {value}, "set_by": "psql", "set_at": Now()}}
PolicySetting.objects.update_or_create(name="{name}", defaults=values)
"""
TABLE = "realtime_policysetting"
RENAME = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE {} RENAME TO {}")
"""
ODD = {"banner": "5", "rate-limit-window": "'1000'", "dropped-secret": "7"}
LEFT_OUT = "what operators have set is not understood and left out: "


def ready(gateway: Gateway) -> tuple[int, str]:
    """The status, and how it is about the switches; 0 of a gateway that still starts."""
    try:
        answer = get(f"{gateway.http_url}/ready")
    except OSError:
        return 0, ""
    return answer.status, answer.json()["checks"].get("switches", "ok")


def count_left_out(gateway: Gateway) -> list[str]:
    lines = gateway.log.read_text("utf-8").splitlines()
    return sorted(line.split(LEFT_OUT)[1].split(":")[0] for line in lines if LEFT_OUT in line)


def test_a_row_that_is_not_understood_keeps_nobody_out_and_no_order_back(own_stack: Stack) -> None:
    for name, value in ODD.items():
        own_stack.python(WRITE.format(name=name, value=value))
    with own_stack.socket(OWNER) as open_before:
        assert own_stack.console("policy", "max-held-polls", "77").status == 0  # now the rows are read
        started = own_stack.add_gateway()
        with Socket(started.ws_url, token=own_stack.token(OWNER)) as socket:
            assert socket.request("ping")["event"] == "ack"
            assert httpx.get(f"{started.http_url}/api/realtime/", timeout=10).status_code == 200
            assert own_stack.console("policy").status == 0
            assert own_stack.console("disconnect", "--all").status == 0
            assert socket.wait_closed() == open_before.wait_closed() == 4403
    for gateway in own_stack.gateways:
        assert count_left_out(gateway) == sorted(ODD)


def test_a_row_that_is_mended_past_the_journal_holds_at_once(own_stack: Stack) -> None:
    own_stack.python(WRITE.format(name="banner", value="5"))
    assert own_stack.console("policy", "max-held-polls", "77").status == 0
    with own_stack.socket(OWNER) as socket:
        own_stack.python(WRITE.format(name="banner", value="'Back at noon'"))
        assert socket.wait_for("system:banner")["data"]["banner"] == "Back at noon"


@pytest.mark.logs_errors("no such table: realtime_policysetting")
@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
def test_a_gateway_that_cannot_read_the_switches_is_not_ready(own_stack: Stack) -> None:
    """It lets nobody in, or follows no operator: clients are sent to another one."""
    own_stack.python(RENAME.format(TABLE, "elsewhere"))
    try:
        started = Gateway(own_stack.settings, own_stack.folder)
        own_stack.gateways.append(started)
        eventually(lambda: ready(started) == (503, "failed"), seconds=30, what="it to say so")
        assert ready(own_stack.first) == (200, "ok")  # nothing has been changed that it would have to read
        assert own_stack.console("block", "192.0.2.7").status == 1
        eventually(lambda: ready(own_stack.first) == (503, "failed"), seconds=40, what="this one, too")
    finally:
        own_stack.python(RENAME.format("elsewhere", TABLE))
    for gateway in own_stack.gateways:
        gateway.wait_ready()
