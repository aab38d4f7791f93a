"""The people, the board and the clients of the domain's tests. Nobody has a password: none is asked for."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from rest_framework.response import Response
from rest_framework.test import APIClient

from projects import selectors, services
from projects.models import Column, Membership, Task, User
from projects.rooms import room_of
from realtime import eventlog
from tests.support.documented import check
from tests.support.page import Page, page_modules

ROLES = ("owner", "editor", "viewer", "outsider", "guest")


class Client:
    """The REST API as one person, or as a guest."""

    def __init__(self, user: User | None) -> None:
        self._client = APIClient(raise_request_exception=True)
        self._client.force_authenticate(user)

    def get(self, path: str, **headers: str) -> Response:
        return self._send("get", path, None, headers)

    def post(self, path: str, data: Any = None, **headers: str) -> Response:
        return self._send("post", path, data, headers)

    def patch(self, path: str, data: Any = None, **headers: str) -> Response:
        return self._send("patch", path, data, headers)

    def delete(self, path: str, **headers: str) -> Response:
        return self._send("delete", path, None, headers)

    def raw(self, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> Response:
        """The body just as it is, valid or not."""
        content: Any = body  # annotated as text alone
        answer = self._client.generic(method, path, content, content_type="application/json", headers=headers)
        check(method, path.partition("?")[0], answer.status_code)
        return answer

    def _send(self, method: str, path: str, data: Any, headers: dict[str, str]) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = getattr(self._client, method)(path, data, headers=named)
        check(method, path.partition("?")[0], answer.status_code)
        return answer


class Board:
    """A project with an owner, an editor, a viewer, the default columns and three tasks in the first."""

    def __init__(self, people: dict[str, User], *, public: bool = False) -> None:
        self.people = people
        self.owner = people["owner"]
        self.project = services.project_create(actor=self.owner, name="Board", public=public)
        self.id = self.project.pk
        self.path = f"/api/projects/{self.id}"
        for role in ("editor", "viewer"):
            services.member_add(
                actor=self.owner, project_id=self.id, username=people[role].username, role=role
            )
        self.columns = list(Column.objects.filter(project=self.project))
        self.tasks = [self.add_task(f"Task {number}") for number in range(3)]

    def add_task(self, title: str = "A task", **values: Any) -> Task:
        return services.task_create(actor=self.owner, project_id=self.id, title=title, **values)

    def membership(self, role: str) -> Membership:
        return Membership.objects.get(project=self.project, user=self.people[role])

    def make_owner(self, role: str) -> None:
        """Of the member with that role, who agrees to it."""
        membership = self.membership(role)
        for actor in (self.owner, membership.user):
            services.member_change(actor=actor, membership_id=membership.pk, role="owner")

    @property
    def seq(self) -> int:
        return eventlog.head(room_of(self.id))

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        return [event.wire() for event in eventlog.since(room_of(self.id), since, 100_000).events]

    def snapshot(self) -> dict[str, Any]:
        """As an owner sees it, whoever that is by now."""
        owner = Membership.objects.filter(project=self.project, role="owner")[0].user
        return selectors.board(owner, self.id, comment_counts=True)

    def titles(self, column: Column | None = None) -> list[str]:
        """The column's tasks (else the first's) from top to bottom."""
        tasks = Task.objects.filter(column=column or self.columns[0]).order_by("position", "id")
        return [task.title for task in tasks]


def make_people() -> dict[str, User]:
    return {
        role: services.user_create(username=role, password=None, first_name=role.title())
        for role in ROLES
        if role != "guest"
    }


def reader(people: dict[str, User], role: str) -> User | AnonymousUser:
    return people[role] if role != "guest" else AnonymousUser()


@pytest.fixture
def people(db: None) -> dict[str, User]:
    return make_people()


@pytest.fixture
def board(people: dict[str, User]) -> Board:
    return Board(people)


@pytest.fixture
def public_board(people: dict[str, User]) -> Board:
    return Board(people, public=True)


@pytest.fixture
def as_(people: dict[str, User]) -> Callable[[str], Client]:
    """`as_("editor")` is the editor's client, `as_("guest")` that of nobody."""
    return lambda role: Client(people.get(role))


@pytest.fixture
def owner(as_: Callable[[str], Client]) -> Client:
    return as_("owner")


@pytest.fixture
def editor(as_: Callable[[str], Client]) -> Client:
    return as_("editor")


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The OpenAPI document, by the command that fails on a warning or on a document that does not hold."""
    out = StringIO()
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with page_modules() as page:
        yield page


def ids(rows: list[Any]) -> list[UUID]:
    return [row.pk for row in rows]
