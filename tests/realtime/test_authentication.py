"""Who a crowd is: one look-up for all who ask at once, and each gets their own answer."""

import asyncio

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser

from devmentor.sessions import SessionStore
from realtime import tokens
from realtime.authentication import Authentication, Credentials
from realtime.token_families import begin
from realtime.tokens import TokenType
from tests.realtime.hub_rig import run
from tests.support.queries import reads_of

pytestmark = pytest.mark.django_db(transaction=True)


def people(count: int) -> dict[str, str]:
    """Access tokens by username."""
    users = [get_user_model().objects.create(username=f"person-{number}") for number in range(count)]
    return {user.username: begin(user)["access"] for user in users}


def log_in(user: AbstractBaseUser) -> SessionStore:
    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.save()
    return session


def test_a_crowd_with_tokens_costs_a_few_queries_and_each_is_who_they_are() -> None:
    known = people(100)

    async def story() -> None:
        authentication = Authentication()
        asked = [authentication.by_token(token) for token in known.values() for _ in range(3)]
        found = await asyncio.gather(*asked)
        assert [identity.username for identity in found] == [name for name in known for _ in range(3)]

    with reads_of("projects_user") as queries:
        run(story())
    assert 1 <= len(queries) <= 3


def test_credentials_that_do_not_hold_take_nobody_elses_away() -> None:
    good = people(1)["person-0"]
    nobody = tokens.issue("nobody", TokenType.ACCESS, 60)

    async def story() -> list[object]:
        authentication = Authentication()
        asked = [
            Credentials(good),
            Credentials("rubbish"),
            Credentials(nobody),
            Credentials(tokens.issue("\0", TokenType.ACCESS, 60)),
            Credentials(session_key="a-session-of-another-program"),
            Credentials(session_key=SessionStore()._get_new_session_key()),
            Credentials(),
        ]
        return list(
            await asyncio.gather(*(authentication.identify(one) for one in asked), return_exceptions=True)
        )

    answers = asyncio.run(story())
    identity, malformed, missing, odd, foreign, ended, guest = answers
    assert getattr(identity, "username", None) == "person-0"
    assert [getattr(error, "reason", None) for error in (malformed, missing, odd, ended)] == [
        "malformed",
        "no-such-user",
        "no-such-user",
        "session-ended",
    ]
    assert (foreign, guest) == (None, None)


def test_a_session_and_a_token_of_two_people_are_told_apart() -> None:
    session = log_in(get_user_model().objects.create(username="cookie"))
    token = people(1)["person-0"]

    async def story() -> list[object]:
        authentication = Authentication()
        asked = (Credentials(session_key=session.session_key), Credentials(token))
        return [
            getattr(one, "username", None)
            for one in await asyncio.gather(*(authentication.identify(credentials) for credentials in asked))
        ]

    assert asyncio.run(story()) == ["cookie", "person-0"]


def test_a_crowd_with_sessions_costs_a_few_queries_and_each_is_who_they_are() -> None:
    users = [get_user_model().objects.create(username=f"person-{number}") for number in range(100)]
    keys = {str(log_in(user).session_key): user.username for user in users}

    async def story() -> None:
        authentication = Authentication()
        found = await asyncio.gather(*(authentication.identify(Credentials(session_key=k)) for k in keys))
        assert [identity and identity.username for identity in found] == list(keys.values())

    with reads_of("projects_user", "django_session") as queries:
        run(story())
    assert 2 <= len(queries) <= 6
