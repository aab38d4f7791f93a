"""Tokens: what was not signed here, for this use, and is still valid, is nobody's credential."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from realtime import tokens
from realtime.tokens import TokenError, TokenType, verify

SECRET = "the secret of today, long enough for HS256"
OLD_SECRET = "the secret of yesterday, long enough too."


@pytest.fixture(autouse=True)
def secrets(settings: Settings) -> None:
    settings.JWT_SECRET, settings.JWT_SECRET_PREVIOUS = SECRET, ""


def issue(kind: TokenType = TokenType.ACCESS, seconds: int = 60) -> str:
    return tokens.issue("olive", kind, seconds, auth="digest")


def signed(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    complete = {"sub": "olive", "type": "access", "exp": int(time.time()) + 60, **claims}
    kept = {key: value for key, value in complete.items() if value is not None}
    return jwt.encode(kept, secret, algorithm=algorithm)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def reason(token: str, kind: TokenType = TokenType.ACCESS) -> str:
    with pytest.raises(TokenError) as caught:
        verify(token, kind)
    return caught.value.reason


def test_a_token_of_ours_says_who_until_when_and_with_which_password() -> None:
    claims = verify(issue(), TokenType.ACCESS)
    assert (claims.subject, claims.type, claims.auth) == ("olive", TokenType.ACCESS, "digest")
    assert 55 < claims.expires_at - time.time() <= 60


def test_no_two_tokens_are_alike() -> None:
    assert issue() != issue()


def test_a_token_signed_elsewhere_is_refused() -> None:
    assert reason(signed(secret="the secret of somebody else, also long")) == "bad-signature"


def test_a_token_whose_time_is_over_is_refused() -> None:
    assert reason(issue(seconds=-1)) == "expired"
    assert reason(signed(exp=0)) == "expired"


def test_a_token_of_a_gateway_whose_clock_is_ahead_holds() -> None:
    """Whoever logs in by one gateway asks the next at once."""
    assert verify(signed(iat=int(time.time()) + 300), TokenType.ACCESS).subject == "olive"


@pytest.mark.parametrize("kind", list(TokenType))
def test_no_type_of_token_stands_in_for_another(kind: TokenType) -> None:
    """A refresh token in a log must not open a socket, nor a person's token publish as a service."""
    for other in set(TokenType) - {kind}:
        assert reason(issue(other), kind) == "wrong-type"


@pytest.mark.django_db
def test_a_token_of_the_previous_secret_holds_while_it_is_rotated_and_not_after(
    settings: Settings,
) -> None:
    old = signed(secret=OLD_SECRET)
    assert reason(old) == "bad-signature"
    settings.JWT_SECRET_PREVIOUS = OLD_SECRET
    assert verify(old, TokenType.ACCESS).subject == "olive"
    assert verify(issue(), TokenType.ACCESS).subject == "olive"


def test_new_tokens_are_signed_with_the_new_secret_only(settings: Settings) -> None:
    settings.JWT_SECRET_PREVIOUS = OLD_SECRET
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(issue(), OLD_SECRET, algorithms=["HS256"])


@pytest.mark.django_db
def test_an_expired_token_of_the_previous_secret_is_told_to_refresh(settings: Settings) -> None:
    settings.JWT_SECRET_PREVIOUS = OLD_SECRET
    assert reason(signed(secret=OLD_SECRET, exp=1)) == "expired"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_an_unsigned_token_is_refused(algorithm: str) -> None:
    claims = {"sub": "olive", "type": "access", "exp": int(time.time()) + 60}
    for signature in ("", "AAAA"):
        token = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(claims)}.{signature}"
        assert reason(token) in {"malformed", "bad-signature"}


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused_even_with_our_secret(algorithm: str) -> None:
    assert reason(signed(secret=SECRET * 2, algorithm=algorithm)) in {"malformed", "bad-signature"}


@pytest.mark.parametrize("missing", ["sub", "exp"])
def test_a_token_that_leaves_out_who_or_until_when_is_refused(missing: str) -> None:
    claims: dict[str, Any] = {missing: None}
    assert reason(signed(**claims)) == "malformed"


def test_a_token_without_a_type_is_refused() -> None:
    assert reason(signed(type=None)) == "wrong-type"


@pytest.mark.parametrize("claims", [{"exp": "soon"}, {"sub": 7}, {"sub": ["olive"]}, {"nbf": 2**40}])
def test_claims_of_the_wrong_kind_are_refused(claims: dict[str, Any]) -> None:
    header = encoded({"alg": "HS256", "typ": "JWT"})
    body = encoded({"sub": "olive", "type": "access", "exp": int(time.time()) + 60, **claims})
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(f"{header}.{body}".encode(), algorithm.prepare_key(SECRET))
    encoded_signature = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    assert reason(f"{header}.{body}.{encoded_signature}") == "malformed"


def test_a_token_changed_on_the_way_is_refused() -> None:
    header, body, signature = issue().split(".")
    forged = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged["sub"] = "oprah"
    assert reason(f"{header}.{encoded(forged)}.{signature}") == "bad-signature"


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "a.b.c", "é.é.é", "\x00", "....", "eyJ.eyJ.sig", "Bearer x", "\ud800.a.b"),
        base64.urlsafe_b64encode(b"[" * 2900).decode() + ".e30.AAAA",
        encoded([]) + "." + encoded([]) + ".AAAA",
        encoded({"alg": ["HS256"]}) + "." + encoded({}) + ".AAAA",
        encoded({"alg": "HS256", "kid": 7}) + "." + encoded({}) + ".AAAA",
        encoded({"alg": "HS256", "crit": ["b64"], "b64": False}) + "." + encoded({}) + ".AAAA",
    ],
    ids=lambda token: repr(token[:20]),
)
def test_garbage_is_refused_like_any_token(token: str) -> None:
    """Deeply nested headers among it: an exception of another kind would be a 500, or a guest's entry."""
    assert reason(token) in {"malformed", "bad-signature"}


def test_an_endless_token_is_refused_unread() -> None:
    assert reason("x" * 4097) == "malformed"


@given(st.text(max_size=200))
def test_any_text_is_refused_in_the_same_way(text: str) -> None:
    assert reason(text) in {"malformed", "bad-signature"}


def test_reasons_are_few_enough_for_a_metrics_label() -> None:
    found = {reason("x"), reason(issue(seconds=-1)), reason(signed(type="service"))}
    assert found == {"malformed", "expired", "wrong-type"}


def test_a_new_password_gives_a_new_digest() -> None:
    assert tokens.auth_digest("one") != tokens.auth_digest("two")
    assert tokens.auth_digest("one") == tokens.auth_digest("one")
