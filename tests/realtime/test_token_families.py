"""Families of refresh tokens: one that was used is good for nothing, and nothing outlives its secret."""

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth import get_user_model
from django.db.models import F
from pytest_django import Settings

from realtime import controls, rules, token_families, tokens
from realtime.log_ins import user_of
from realtime.models import OperatorAction, TokenFamily
from realtime.tokens import TokenError, TokenType, verify

pytestmark = pytest.mark.django_db(transaction=True)
NEW, OLD = "the secret of today, long enough for HS256", "the secret of yesterday, long enough too."


@pytest.fixture
def user(settings: Settings) -> Any:
    settings.JWT_SECRET, settings.JWT_SECRET_PREVIOUS = NEW, ""
    return get_user_model().objects.create_user("olive", password=None)


def renew(refresh: str) -> dict[str, str]:
    claims = verify(refresh, TokenType.REFRESH)
    return token_families.renew(claims, user_of(claims))


def reason(refresh: str) -> str:
    with pytest.raises(TokenError) as caught:
        renew(refresh)
    return caught.value.reason


def let_pass(seconds: float) -> None:
    """As if the families had begun so much earlier."""
    earlier = timedelta(seconds=seconds)
    TokenFamily.objects.update(renewed_at=F("renewed_at") - earlier, expires_at=F("expires_at") - earlier)


def rotate(settings: Settings) -> None:
    settings.JWT_SECRET, settings.JWT_SECRET_PREVIOUS = NEW, OLD


def test_each_token_is_used_up_by_the_next(user: Any) -> None:
    first = token_families.begin(user)["refresh"]
    second = renew(first)["refresh"]
    third = renew(second)["refresh"]
    assert len({first, second, third}) == 3
    assert reason(first) == "reused"
    assert reason(third) == "ended"
    assert list(OperatorAction.objects.values_list("action", "target")) == [("token reused", "user olive")]


def test_of_one_user_the_journal_has_few_lines_a_minute(user: Any) -> None:
    """However many log-ins are ended so: each of them is."""
    another = get_user_model().objects.create_user("peter", password=None)
    for person in [user] * 10 + [another]:
        first = token_families.begin(person)["refresh"]
        last = renew(renew(first)["refresh"])["refresh"]
        assert [reason(first), reason(first), reason(last)] == ["reused", "ended", "ended"]
    targets = list(OperatorAction.objects.values_list("target", flat=True))
    assert sorted(targets) == ["user olive"] * 3 + ["user peter"]


def test_the_same_token_again_at_once_has_the_same_successor(user: Any) -> None:
    first = token_families.begin(user)["refresh"]
    assert renew(first)["refresh"] == renew(first)["refresh"]
    let_pass(11)
    assert reason(first) == "reused"


def test_each_renewal_prolongs_the_log_in(user: Any) -> None:
    first = token_families.begin(user)["refresh"]
    let_pass(1000)
    assert said(renew(first)["refresh"])["exp"] >= time.time() + tokens.REFRESH_SECONDS - 60


def test_an_access_token_ends_with_its_family(user: Any) -> None:
    pair = token_families.begin(user)
    token_families.end(verify(pair["refresh"], TokenType.REFRESH))
    with pytest.raises(TokenError, match="has ended"):
        user_of(verify(pair["access"], TokenType.ACCESS))


def test_a_token_of_a_version_without_families_is_used_up_too(user: Any) -> None:
    auth = tokens.auth_digest(user.get_session_auth_hash())
    old = tokens.issue(str(user.pk), TokenType.REFRESH, 3600, auth)
    successor = renew(old)["refresh"]
    assert renew(old)["refresh"] == successor
    let_pass(11)
    assert reason(old) == "reused"
    assert reason(successor) == "ended"


def said(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_token_that_claims_to_live_for_ever_has_a_successor_that_does_not(user: Any) -> None:
    auth = tokens.auth_digest(user.get_session_auth_hash())
    endless = {"sub": str(user.pk), "type": "refresh", "exp": 10**300, "auth": auth}
    assert said(renew(tokens.sign(endless))["refresh"])["exp"] <= time.time() + tokens.REFRESH_SECONDS + 1


def test_an_old_token_that_is_ended_before_its_first_use_holds_no_more(user: Any) -> None:
    auth = tokens.auth_digest(user.get_session_auth_hash())
    old = tokens.issue(str(user.pk), TokenType.REFRESH, 3600, auth)
    token_families.end(verify(old, TokenType.REFRESH))
    assert reason(old) == "ended"


@pytest.mark.parametrize("family", [True, False], ids=["with a family", "of before"])
def test_a_token_of_a_previous_secret_is_renewed_no_longer_than_it_was_to_live(
    user: Any, settings: Settings, family: bool
) -> None:
    settings.JWT_SECRET = OLD
    auth = tokens.auth_digest(user.get_session_auth_hash())
    before = tokens.issue(str(user.pk), TokenType.REFRESH, 3600, auth)
    old = token_families.begin(user)["refresh"] if family else before
    rotate(settings)
    let_pass(1000)
    second = renew(old)["refresh"]
    third = renew(second)["refresh"]
    ends = [said(token)["exp"] for token in (old, second, third)]
    assert ends[1] == ends[2] <= ends[0]
    assert ends[2] < time.time() + tokens.REFRESH_SECONDS - 900


def test_what_rests_on_a_previous_secret_ends_when_that_is_dropped(user: Any, settings: Settings) -> None:
    settings.JWT_SECRET = OLD
    old = token_families.begin(user)["refresh"]
    rotate(settings)
    fresh = token_families.begin(user)["refresh"]
    pair = renew(old)
    assert verify(pair["access"], TokenType.ACCESS).previous
    controls.drop_previous_secret(controls.operator_of(user))
    rules.forget()
    assert reason(pair["refresh"]) == "bad-signature"
    with pytest.raises(TokenError):
        verify(pair["access"], TokenType.ACCESS)
    assert renew(fresh)["refresh"]


@pytest.mark.parametrize("claims", [{"fam": 1}, {"fam": "x"}, {"fam": None}, {"gen": "1"}, {"gen": None}])
def test_claims_that_are_none_of_ours_are_malformed(user: Any, claims: dict[str, Any]) -> None:
    known = {"sub": str(user.pk), "type": "refresh", "exp": int(time.time()) + 60, **claims}
    with pytest.raises(TokenError) as caught:
        verify(jwt.encode(known, NEW, algorithm="HS256"), TokenType.REFRESH)
    assert caught.value.reason == "malformed"


def test_families_are_deleted_once_their_last_token_has_run_out(user: Any) -> None:
    token_families.begin(user)
    old = token_families.begin(user)["refresh"]
    TokenFamily.objects.filter(pk=said(old)["fam"]).update(expires_at=F("expires_at") - timedelta(days=15))
    assert [token_families.forget(), token_families.forget()] == [1, 0]
    assert TokenFamily.objects.count() == 1
