"""The operators' journal: what they did stays written, in order, in both logs, and only then holds."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from realtime import controls, journal, rules, standing
from realtime.journal import Operator
from realtime.models import BlockedNetwork, OperatorAction, PolicySetting
from realtime.targets import Target

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> Operator:
    user = get_user_model().objects.create_user("oprah", password=None)
    return controls.operator_of(user)


def test_an_entry_says_who_did_what_why_and_what_was_before(operator: Operator) -> None:
    controls.set_policy(operator, {"max-connections": 50}, reason="a  flood")
    controls.set_policy(operator, {"max-connections": 80})
    controls.set_policy(operator, {"max-connections": None})
    entries = OperatorAction.objects.order_by("seq").values_list("seq", "actor", "target", "old", "new")
    assert list(entries) == [
        (1, "oprah", "max-connections", None, 50),
        (2, "oprah", "max-connections", 50, 80),
        (3, "oprah", "max-connections", 80, None),
    ]
    assert OperatorAction.objects.get(seq=1).reason == "a flood"
    logged = LogEntry.objects.order_by("pk").values_list("object_id", "user_id", "change_message")
    assert list(logged) == [
        ("1", operator.user_id, "not set → 50. a flood"),
        ("2", operator.user_id, "50 → 80"),
        ("3", operator.user_id, "80 → not set"),
    ]


def test_what_stays_as_it_is_is_no_entry(operator: Operator) -> None:
    controls.set_policy(operator, {"strict": True, "banner": "hello"})
    controls.set_policy(operator, {"strict": True, "banner": " hello "})
    assert OperatorAction.objects.count() == 2


def test_a_change_that_does_not_hold_changes_nothing(operator: Operator) -> None:
    for changes in ({"strict": True, "max-connections": -1}, {"strict": True, "colour": "red"}):
        with pytest.raises(ValueError, match="expected"):
            controls.set_policy(operator, changes)
    assert not PolicySetting.objects.exists()
    assert journal.head() == 0


def test_nobody_alters_an_entry(operator: Operator) -> None:
    controls.set_policy(operator, {"strict": True})
    entry = OperatorAction.objects.get()
    for alter in (
        entry.delete,
        OperatorAction.objects.all().delete,
        lambda: OperatorAction.objects.update(actor="somebody else"),
    ):
        with pytest.raises(TypeError, match="only ever added to"):
            alter()
    entry.reason = "another"
    with pytest.raises(Exception, match=r"(?i)unique"):
        entry.save()


def test_operators_who_act_at_the_same_time_leave_no_hole_and_lose_nothing(operator: Operator) -> None:
    def act(number: int) -> None:
        try:
            controls.set_policy(operator, {"max-connections": number})
        finally:
            close_old_connections()
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(act, range(1, 21)))
    entries = list(OperatorAction.objects.order_by("seq"))
    assert [entry.seq for entry in entries] == list(range(1, 21))
    assert [entry.old for entry in entries[1:]] == [entry.new for entry in entries[:-1]]
    assert PolicySetting.objects.get().value == entries[-1].new


def test_what_is_set_is_known_at_the_next_look_and_costs_one_small_query_while_nothing_changes(
    operator: Operator,
) -> None:
    assert rules.refresh().policy.strict is False
    controls.set_policy(operator, {"strict": True})
    controls.block(operator, "192.0.2.0/24", reason="a scan")
    found = rules.refresh()
    assert found.policy.strict
    assert found.blocked.find("192.0.2.9", now=0)
    with CaptureQueriesContext(connection) as queries:
        assert rules.refresh() is found
    assert len(queries) == 1
    assert rules.known() is found
    controls.unblock(operator, "192.0.2.0/24")
    assert rules.refresh().blocked.find("192.0.2.9", now=0) is None


def test_a_network_blocked_again_has_another_end_and_reason(operator: Operator) -> None:
    controls.block(operator, "192.0.2.7/24", reason="a scan")
    controls.block(operator, "192.0.2.0/24", reason="still")
    row = BlockedNetwork.objects.get()
    assert (row.network, row.reason, row.blocked_by) == ("192.0.2.0/24", "still", "oprah")
    assert controls.unblock(operator, "192.0.2.0/24")
    assert not controls.unblock(operator, "192.0.2.0/24")


def test_an_order_is_read_by_who_has_not_seen_it_and_by_nobody_twice(operator: Operator) -> None:
    controls.set_policy(operator, {"strict": True})
    order = controls.disconnect(operator, Target.network("192.0.2.0/24"), "a scan")
    assert [each.seq for each in journal.orders(0, journal.head())] == [order.seq]
    assert journal.orders(order.seq, journal.head()) == []
    found: Any = journal.orders(0, 99)[0]
    assert Target.read(found.new) == Target.network("192.0.2.0/24")


def test_every_dropped_secret_stays_dropped(operator: Operator, settings: Any) -> None:
    """A gateway that was left over, or rolled back, may still be started with an older one."""
    for secret in ("the first of two secrets that have leaked", "the second of two secrets that have leaked"):
        settings.JWT_SECRET_PREVIOUS = secret
        assert rules.refresh().policy.previous_secret
        controls.drop_previous_secret(operator)
        assert not rules.refresh().policy.previous_secret
    settings.JWT_SECRET_PREVIOUS = "the first of two secrets that have leaked"
    assert not rules.refresh().policy.previous_secret


def test_who_took_a_switch_back_is_known_too(operator: Operator) -> None:
    controls.set_policy(operator, {"strict": True})
    controls.set_policy(operator, {"strict": None})
    stands = standing.of("strict")
    assert (stands.in_force, stands.operators, stands.set_by) == (False, None, "oprah")
    assert stands.set_at is not None


def test_a_row_that_was_written_past_the_controls_stops_no_other(operator: Operator) -> None:
    """Else every request would be a 500, and no socket were let in, until somebody finds it."""
    controls.block(operator, "192.0.2.0/24")
    BlockedNetwork.objects.create(network="the office", blocked_at=timezone.now(), blocked_by="a shell")
    controls.set_policy(operator, {"strict": True})
    found = rules.refresh()
    assert found.policy.strict
    assert found.blocked.find("192.0.2.9", now=0)
