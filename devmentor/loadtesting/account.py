"""As whom the clients come where this machine has the gateway's database: a user made for the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from uuid import UUID

from django.core.management.base import CommandError
from django.db import Error, connection

from projects import services
from projects.errors import DomainError
from projects.models import Membership, Role, User
from projects.rooms import room_of
from realtime import controls, retention, tokens
from realtime.chunks import delete_in_chunks
from realtime.management.operating import told
from realtime.tokens import TokenType

USERNAME = "loadtest-"  # how the names of these users begin
PROJECT = "Load test"
GRACE_SECONDS = 3600  # that the token outlives the run


@dataclass(frozen=True, slots=True)
class Access:
    """A token, and the project that its user may write into; None: it has to make one.

    passing: whether the project goes with the user
    """

    token: str
    project: str | None
    passing: bool = False


@contextmanager
def own_account(project: str | None, seconds: float) -> Iterator[Access]:
    """A user made for the run, in a project of its own or as an editor of `project`. Everything goes again:
    the user, the project, its log. Raises CommandError.
    """
    operator = User.objects.get(pk=controls.command_line().user_id)
    user = services.user_create(
        username=f"{USERNAME}{token_hex(4)}", password=None, first_name="Load", last_name="test"
    )
    try:
        own = services.project_create(actor=user, name=PROJECT) if project is None else None
        if project is not None:
            _let_in(user, project, operator)
        auth = tokens.auth_digest(user.get_session_auth_hash())
        token = tokens.issue(str(user.pk), TokenType.ACCESS, int(seconds) + GRACE_SECONDS, auth)
        access = Access(token, str(own.pk) if own else project, passing=own is not None)
        connection.close()  # it would be idle for the whole run, and perhaps dead after it
        yield access
    finally:
        try:
            _remove(user, operator)
        except Error as failure:
            left = f"user {user.username}, and the project where it made one, are left there"
            raise CommandError(f"{told(failure)}; {left}") from failure


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
