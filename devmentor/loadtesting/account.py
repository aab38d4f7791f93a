"""As whom the clients come where this machine has the gateway's database: users made for the run."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error, connection

from projects import services
from projects.errors import DomainError
from projects.models import Membership, Role, User
from projects.rooms import room_of
from realtime import controls, retention, rules, tokens
from realtime.chunks import delete_in_chunks
from realtime.management.operating import told
from realtime.tokens import TokenType

USERNAME = "loadtest-"  # how the names of these users begin
PROJECT = "Load test"
GRACE_SECONDS = 3600  # that the token outlives the run


@dataclass(frozen=True, slots=True)
class Access:
    """Tokens of users who may all write into the project; None: they have to make one.

    passing: whether the project goes with the users
    """

    tokens: tuple[str, ...]
    project: str | None
    passing: bool = False


@contextmanager
def own_account(project: str | None, seconds: float, connections: int, rate: float = 0) -> Iterator[Access]:
    """Users made for the run, as many as the limits of one user call for, in a project of their own or as
    members of `project`. Everything goes again: the users, the project, its log. Raises CommandError.

    rate: writes a second
    """
    operator = User.objects.get(pk=controls.command_line().user_id)
    needed = max(
        users_for(connections, rules.refresh().policy.max_per_user),
        users_for(math.ceil(rate * 60), settings.WRITES_PER_MINUTE),
    )
    users = [_make_user() for _ in range(needed)]
    try:
        own = services.project_create(actor=users[0], name=PROJECT) if project is None else None
        target = str(own.pk) if own else str(project)
        for user in users[1:] if own else users:
            _let_in(user, target, operator)
        tokens = tuple(_token(user, seconds) for user in users)
        connection.close()  # it would be idle for the whole run, and perhaps dead after it
        yield Access(tokens, target, passing=own is not None)
    finally:
        try:
            for user in users:
                _remove(user, operator)
        except Error as failure:
            left = f"the users {USERNAME}…, and the project where they made one, are left there"
            raise CommandError(f"{told(failure)}; {left}") from failure


def users_for(wanted: int, most_each: int) -> int:
    """How many users it takes for so many connections, or writes a minute, where each may have `most_each` of
    them; 0: any number.

    A fifth stays free: whoever comes back may still be counted, and a write may be sent again.
    """
    return max(1, math.ceil(wanted / max(1, most_each * 4 // 5))) if most_each else 1


def _make_user() -> User:
    name = f"{USERNAME}{token_hex(4)}"
    return services.user_create(username=name, password=None, first_name="Load", last_name="test")


def _token(user: User, seconds: float) -> str:
    auth = tokens.auth_digest(user.get_session_auth_hash())
    return tokens.issue(str(user.pk), TokenType.ACCESS, int(seconds) + GRACE_SECONDS, auth)


def _remove(user: User, operator: User) -> None:
    for member in Membership.objects.filter(user=user):
        if member.role == Role.OWNER:
            _remove_project(user, member.project_id)
        else:
            services.member_remove(actor=operator, membership_id=member.pk, operator=True)
    services.user_delete(actor=operator, user_id=user.pk)


def _let_in(user: User, project: str, operator: User) -> None:
    try:
        services.member_add(
            actor=operator,
            project_id=UUID(project),
            username=user.username,
            role=Role.EDITOR.value,
            operator=True,
        )
    except DomainError as refused:
        raise CommandError(f"--project {project} cannot be used: {refused}") from None


def _remove_project(user: User, project_id: UUID) -> None:
    """With its log: nobody else ever saw it."""
    services.project_delete(actor=user, project_id=project_id)
    all_of_it = partial(retention.trim_chunk, room_of(project_id).name, days=-1, minimum=0)
    delete_in_chunks(all_of_it, retention.CHUNK)
