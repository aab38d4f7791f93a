"""The list of services' tokens: what is noted in it, and how long a row stays."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db.models import F

from realtime import controls, service_tokens
from realtime.models import OperatorAction, ServiceToken
from realtime.tokens import TokenError, TokenType, verify

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> controls.Operator:
    return controls.operator_of(get_user_model().objects.create_user("olive", password=None))


def check(token: str) -> str:
    return service_tokens.check(verify(token, TokenType.SERVICE))


def last_used() -> object:
    return ServiceToken.objects.get().last_used_at


def test_a_use_is_noted_once_in_a_minute(operator: controls.Operator) -> None:
    """Else each event that a service sends would be one write more."""
    token = service_tokens.create(operator, "ai", seconds=60)
    assert last_used() is None
    check(token)
    first = last_used()
    assert first is not None
    check(token)
    assert last_used() == first
    ServiceToken.objects.update(last_used_at=F("last_used_at") - timedelta(seconds=61))
    check(token)
    assert last_used() is not None
    assert last_used() >= first  # type: ignore[operator]


def test_one_that_is_in_no_list_of_this_database_is_refused(operator: controls.Operator) -> None:
    """As after a restore of a copy from before it was made."""
    token = service_tokens.create(operator, "ai", seconds=60)
    ServiceToken.objects.all().delete()
    with pytest.raises(TokenError) as caught:
        check(token)
    assert caught.value.reason == "revoked"


def test_what_was_done_is_in_the_journal_with_the_id(operator: controls.Operator) -> None:
    service_tokens.create(operator, "ai", seconds=60, room="project:x")
    row = ServiceToken.objects.get()
    assert service_tokens.revoke(operator, row.pk, "lost") is not None
    assert service_tokens.revoke(operator, row.pk) is None
    entries = OperatorAction.objects.order_by("seq").values_list("action", "target", "new", "reason")
    target = f"service ai ({row.pk})"
    made = ("token made", target, "for project:x", "")
    assert list(entries) == [made, ("token revoked", target, None, "lost")]


def test_a_row_stays_for_a_month_after_its_token_has_run_out(operator: controls.Operator) -> None:
    for _ in range(2):
        service_tokens.create(operator, "ai", seconds=60)
    ServiceToken.objects.update(expires_at=F("expires_at") - timedelta(days=29))
    ServiceToken.objects.filter(pk=ServiceToken.objects.first().pk).update(  # type: ignore[union-attr]
        expires_at=F("expires_at") - timedelta(days=2)
    )
    assert [service_tokens.forget(), service_tokens.forget()] == [1, 0]
    assert ServiceToken.objects.count() == 1
