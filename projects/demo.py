"""Demo data: a small software team and its four boards, made through the services, so with a log like any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle

from django.db import transaction
from django.utils import timezone

from projects import services
from projects.models import Column, Project, Role, Task, User
from projects.permissions import may_open_to_everybody

PASSWORD = "demo-demo-demo"  # noqa: S105 - published on purpose; the command refuses to run outside DEBUG
ADMINISTRATOR = "ada"
PEOPLE = {
    ADMINISTRATOR: ("Ada", "Lovelace"),
    "grace": ("Grace", "Hopper"),
    "alan": ("Alan", "Turing"),
    "katherine": ("Katherine", "Johnson"),
    "linus": ("Linus", "Pauling"),
}
USERNAMES = tuple(PEOPLE)


@dataclass(frozen=True)
class Card:
    """`due`: days from today. `comments`: who says what."""

    title: str
    labels: tuple[str, ...] = ()
    due: int | None = None
    assigned: bool = True
    description: str = ""
    comments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class BoardPlan:
    """The tasks of its last column are finished."""

    name: str
    columns: dict[str, tuple[Card, ...]]
    roles: dict[str, Role]
    public: bool = False


@transaction.atomic
def seed() -> None:
    """Fill an empty database. All or nothing, so that a broken start can simply be repeated."""
    from projects.demo_boards import BOARDS

    people = {username: _person(username) for username in PEOPLE}
    for plan in BOARDS:
        _board(plan, people)


def _person(username: str) -> User:
    first_name, last_name = PEOPLE[username]
    rights = username == ADMINISTRATOR
    return services.user_create(
        username=username,
        password=PASSWORD,
        first_name=first_name,
        last_name=last_name,
        email=f"{username}@example.com",
        is_staff=rights,
        is_superuser=rights,
    )


def _board(plan: BoardPlan, people: dict[str, User]) -> None:
    owner = people[ADMINISTRATOR]
    project = services.project_create(
        actor=owner,
        name=plan.name,
        public=plan.public and may_open_to_everybody(owner),
        columns=tuple(plan.columns),
    )
    for username, role in plan.roles.items():
        services.member_add(actor=owner, project_id=project.pk, username=username, role=role)
    writers = cycle([owner, *(people[name] for name, role in plan.roles.items() if role == Role.EDITOR)])
    columns = list(Column.objects.filter(project=project))
    services.column_update(actor=owner, column_id=columns[-1].pk, done=True)
    for column in columns:
        for card in plan.columns[column.name]:
            _task(project, column, card, people, writers)


def _task(
    project: Project, column: Column, card: Card, people: dict[str, User], writers: Iterator[User]
) -> Task:
    writer = next(writers)
    task = services.task_create(
        actor=writer,
        project_id=project.pk,
        column_id=column.pk,
        title=card.title,
        description=card.description,
        labels=card.labels,
        assignee_id=writer.pk if card.assigned else None,
        due_on=_day(card.due),
    )
    for username, text in card.comments:
        services.comment_create(actor=people[username], task_id=task.pk, text=text)
    return task


def _day(days: int | None) -> date | None:
    return None if days is None else timezone.localdate() + timedelta(days=days)
