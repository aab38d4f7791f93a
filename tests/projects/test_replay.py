"""The promise to every client: an old snapshot and the events after it give the fresh snapshot."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects import ordering, services
from projects.errors import DomainError
from projects.events import Event
from projects.models import Column, Comment, Membership, Project, Task, User
from projects.ordering import BOTTOM
from tests.projects.conftest import ROLES, Board, make_people
from tests.support.page import Page
from tests.support.reducer import replay

Act = Callable[[Board], Any]
LONG = 'Ä🎉"x' * 600  # some characters are two of JavaScript's


def comment_of(board: Board) -> Comment:
    return services.comment_create(actor=board.owner, task_id=board.tasks[0].pk, text="Hello")


def former_member(board: Board) -> User:
    """Whom a task is still assigned to."""
    viewer = board.people["viewer"]
    changes: services.TaskChanges = {"assignee_id": viewer.pk}
    services.task_update(actor=board.owner, task_id=board.tasks[0].pk, changes=changes)
    services.member_remove(actor=board.owner, membership_id=board.membership("viewer").pk)
    return viewer


EACH_KIND: dict[Event, tuple[Act | None, Callable[[Board, Any], Any]]] = {
    Event.PROJECT_UPDATED: (
        None,
        lambda board, _: services.project_update(
            actor=board.owner, project_id=board.id, name="N", public=True
        ),
    ),
    Event.PROJECT_DELETED: (
        None,
        lambda board, _: services.project_delete(actor=board.owner, project_id=board.id),
    ),
    Event.COLUMN_CREATED: (
        None,
        lambda board, _: services.column_create(actor=board.owner, project_id=board.id, name="N"),
    ),
    Event.COLUMN_UPDATED: (
        None,
        lambda board, _: services.column_update(
            actor=board.owner, column_id=board.columns[0].pk, name="N", done=True
        ),
    ),
    Event.COLUMN_MOVED: (
        None,
        lambda board, _: services.column_move(actor=board.owner, column_id=board.columns[2].pk, after=None),
    ),
    Event.COLUMN_DELETED: (
        None,
        lambda board, _: services.column_delete(
            actor=board.owner, column_id=board.columns[0].pk, move_to=board.columns[1].pk
        ),
    ),
    Event.TASK_CREATED: (None, lambda board, _: board.add_task(after=None)),
    Event.TASK_UPDATED: (
        None,
        lambda board, _: services.task_update(
            actor=board.owner, task_id=board.tasks[0].pk, changes={"assignee_id": board.owner.pk}
        ),
    ),
    Event.TASK_MOVED: (
        None,
        lambda board, _: services.task_move(
            actor=board.owner, task_id=board.tasks[0].pk, column_id=board.columns[1].pk, after=None
        ),
    ),
    Event.TASK_DELETED: (
        comment_of,
        lambda board, _: services.task_delete(actor=board.owner, task_id=board.tasks[0].pk),
    ),
    Event.COMMENT_CREATED: (None, lambda board, _: comment_of(board)),
    Event.COMMENT_UPDATED: (
        comment_of,
        lambda board, comment: services.comment_update(actor=board.owner, comment_id=comment.pk, text="N"),
    ),
    Event.COMMENT_DELETED: (
        comment_of,
        lambda board, comment: services.comment_delete(actor=board.owner, comment_id=comment.pk),
    ),
    Event.MEMBER_ADDED: (
        None,
        lambda board, _: services.member_add(
            actor=board.owner, project_id=board.id, username="outsider", role="viewer"
        ),
    ),
    Event.MEMBER_UPDATED: (
        None,
        lambda board, _: services.member_change(
            actor=board.owner, membership_id=board.membership("viewer").pk, role="owner"
        ),
    ),
    Event.MEMBER_REMOVED: (
        None,
        lambda board, _: services.member_remove(
            actor=board.owner, membership_id=board.membership("viewer").pk
        ),
    ),
    Event.PERSON_UPDATED: (
        former_member,
        lambda board, viewer: services.user_update(
            actor=board.owner, user_id=viewer.pk, values={"first_name": "N"}
        ),
    ),
}


def expect_level(page: Page, before: Any, events: list[dict[str, Any]], fresh: Any) -> None:
    """By the contract's reducer, and by that of the page in the browser."""
    assert replay(before, events) == fresh
    assert page.ask("replay", snapshot=before, events=events) == fresh


@pytest.mark.parametrize("kind", EACH_KIND)
def test_each_kind_of_event_replays(kind, board, page):
    prepare, act = EACH_KIND[kind]
    prepared = prepare and prepare(board)
    before = board.snapshot()
    act(board, prepared)
    events = board.events(before["seq"])
    assert [event["event"] for event in events] == [kind.value]
    expect_level(page, before, events, None if kind is Event.PROJECT_DELETED else board.snapshot())


def test_a_long_description_is_cut_on_the_board_and_whole_in_events_and_at_its_own_address(
    board, owner, page
):
    task = board.tasks[0]
    before = board.snapshot()
    for length in (2000, 2001, 2400, 1999):
        services.task_update(actor=board.owner, task_id=task.pk, changes={"description": LONG[:length]})
        events, fresh = board.events(before["seq"]), board.snapshot()
        (shown,) = (row for row in fresh["tasks"] if row["id"] == str(task.pk))
        assert shown["description"] == LONG[: min(length, 2000)]
        assert shown.get("descriptionCut", False) is (length > 2000)
        assert events[-1]["data"]["description"] == LONG[:length]
        assert owner.get(f"/api/tasks/{task.pk}/").data["description"] == LONG[:length]
        assert owner.get(f"{board.path}/tasks/").data["results"][0]["description"] == LONG[:length]
        assert owner.get(f"{board.path}/board/").json()["tasks"] == fresh["tasks"]
        expect_level(page, before, events, fresh)
        expect_level(page, fresh, [], fresh)


def test_no_kind_of_event_is_left_out(page):
    assert {*EACH_KIND, Event.PROJECT_CREATED} == set(Event)
    assert set(page.ask("events")) == set(Event), "CHANGES in store.js"


def test_a_project_replays_from_nothing(board, page):
    nothing: dict[str, Any] = {
        "seq": 0,
        "project": None,
        "members": [],
        "columns": [],
        "tasks": [],
        "commentCounts": {},
    }
    expect_level(page, nothing, board.events(), board.snapshot())


def test_a_board_replays_from_every_point_of_its_past(board, page):
    snapshots = [board.snapshot()]
    for number in range(5):
        board.add_task(f"More {number}", after=None)
        services.column_move(
            actor=board.owner, column_id=board.columns[number % 3].pk, after=board.columns[0].pk
        )
        snapshots.append(board.snapshot())
    for snapshot in snapshots:
        expect_level(page, snapshot, board.events(snapshot["seq"]), snapshots[-1])


@pytest.fixture
def narrow_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So narrow that columns are re-spaced all the time."""
    monkeypatch.setattr(ordering, "GAP", 2)


def test_a_board_that_is_respaced_replays(narrow_gaps, board, page):
    snapshots = [board.snapshot()]
    first, second, third = board.tasks
    one, two, three = (column.pk for column in board.columns)
    for _ in range(3):
        board.add_task(after=first.pk)
        snapshots.append(board.snapshot())
        for task in (second, third):
            services.task_move(actor=board.owner, task_id=task.pk, column_id=one, after=first.pk)
            snapshots.append(board.snapshot())
        for column in (two, three):
            services.column_move(actor=board.owner, column_id=column, after=one)
            snapshots.append(board.snapshot())
    events = board.events(snapshots[0]["seq"])
    respaced = {event["event"] for event in events if "respaced" in event["data"]}
    assert respaced == {Event.TASK_CREATED, Event.TASK_MOVED, Event.COLUMN_MOVED}
    for fresh in snapshots:
        expect_level(page, snapshots[0], [one for one in events if one["seq"] <= fresh["seq"]], fresh)


class Commands:
    """Every service, aimed by numbers at whatever is there; what is refused must change nothing."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.numbers: Iterator[int] = iter(())

    def run(self, name: str, numbers: list[int]) -> None:
        self.numbers = iter(numbers)
        getattr(self, name)()

    def number(self, count: int) -> int:
        return next(self.numbers) % count

    def pick(self, model: Any) -> Any:
        rows = model.objects.order_by("username" if model is User else "created_at")
        if model is not User:
            rows = rows.filter(**{"task__project" if model is Comment else "project": self.board.id})
        found = list(rows)
        return found[self.number(len(found))].pk if found else None

    def flag(self) -> bool:
        return bool(self.number(2))

    def who(self) -> dict[str, Any]:
        """Mostly the owner, so that most commands come through."""
        others = [self.board.people[role] for role in ROLES if role != "guest"]
        return {"actor": others[self.number(4)] if self.number(4) == 0 else self.board.owner}

    def after(self, model: Any) -> Any:
        return (None, BOTTOM, self.pick(model), self.pick(model))[self.number(4)]

    def project_update(self) -> None:
        services.project_update(
            project_id=self.board.id, name=f"P{self.number(3)}", public=self.flag(), **self.who()
        )

    def member_add(self) -> None:
        username = ("outsider", "viewer", "editor")[self.number(3)]
        services.member_add(project_id=self.board.id, username=username, role=self.role(), **self.who())

    def member_change(self) -> None:
        services.member_change(membership_id=self.pick(Membership), role=self.role(), **self.who())

    def member_remove(self) -> None:
        services.member_remove(membership_id=self.pick(Membership), **self.who())

    def role(self) -> str:
        return ("owner", "editor", "viewer")[self.number(3)]

    def column_create(self) -> None:
        services.column_create(project_id=self.board.id, name=f"C{self.number(3)}", **self.who())

    def column_update(self) -> None:
        services.column_update(
            column_id=self.pick(Column), name=f"C{self.number(3)}", done=self.flag(), **self.who()
        )

    def column_move(self) -> None:
        after = None if self.flag() else self.pick(Column)
        services.column_move(column_id=self.pick(Column), after=after, **self.who())

    def column_delete(self) -> None:
        move_to = self.pick(Column) if self.flag() else None
        services.column_delete(column_id=self.pick(Column), move_to=move_to, **self.who())

    def task_create(self) -> None:
        services.task_create(
            project_id=self.board.id,
            title=f"T{self.number(9)}",
            column_id=self.pick(Column),
            after=self.after(Task),
            assignee_id=self.pick(User) if self.flag() else None,
            **self.who(),
        )

    def task_update(self) -> None:
        services.task_update(
            task_id=self.pick(Task),
            changes={
                "title": f"T{self.number(9)}",
                "labels": ["a", "b"][: self.number(3)],
                "description": LONG[: (0, 5, 2000, 2001)[self.number(4)]],
                "assignee_id": self.pick(User) if self.flag() else None,
            },
            **self.who(),
        )

    def task_move(self) -> None:
        services.task_move(
            task_id=self.pick(Task), column_id=self.pick(Column), after=self.after(Task), **self.who()
        )

    def task_delete(self) -> None:
        services.task_delete(task_id=self.pick(Task), **self.who())

    def comment_create(self) -> None:
        services.comment_create(task_id=self.pick(Task), text=f"N{self.number(3)}", **self.who())

    def comment_update(self) -> None:
        services.comment_update(comment_id=self.pick(Comment), text=f"N{self.number(3)}", **self.who())

    def comment_delete(self) -> None:
        services.comment_delete(comment_id=self.pick(Comment), **self.who())

    def user_update(self) -> None:
        person = (self.board.people["editor"], self.board.people["viewer"])[self.number(2)]
        services.user_update(
            actor=self.board.owner, user_id=person.pk, values={"first_name": f"N{self.number(3)}"}
        )

    def project_delete(self) -> None:
        if self.number(10) == 9:
            services.project_delete(project_id=self.board.id, **self.who())


COMMANDS = (
    tuple(name for name in services.__all__ if hasattr(Commands, name)) + ("task_move", "task_create") * 3
)


def test_every_command_of_the_domain_takes_part():
    """But for what no board shows."""
    elsewhere = {"TaskChanges", "project_create", "user_create", "user_delete", "user_set_password"}
    elsewhere.add("user_log_out_everywhere")
    assert set(services.__all__) - set(COMMANDS) == elsewhere | {
        name for name in services.__all__ if name.startswith(("creation_", "idempotency_", "group_"))
    }


# Enough for the hungriest command. Drawn at once: what is there must not decide what is drawn.
numbers = st.lists(st.integers(0, 999), min_size=12, max_size=12)


@pytest.mark.django_db
@given(sequence=st.lists(st.tuples(st.sampled_from(COMMANDS), numbers), min_size=1, max_size=25))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_sequence_of_commands_replays(narrow_gaps, page, sequence):
    board = fresh_board()
    before = board.snapshot()
    commands = Commands(board)
    for name, aims in sequence:
        seq = board.seq
        try:
            commands.run(name, aims)
        except DomainError:
            assert board.seq == seq, "a refused command leaves no event"
        assert board.seq - seq <= 1, "a command is at most one event"
        if not Project.objects.filter(pk=board.id).exists():
            break
    fresh = board.snapshot() if Project.objects.filter(pk=board.id).exists() else None
    expect_level(page, before, board.events(before["seq"]), fresh)


def fresh_board() -> Board:
    """Each example begins with nobody and nothing: they share one transaction."""
    for project in Project.objects.all():
        owner = project.memberships.filter(role="owner")[0].user
        services.project_delete(actor=owner, project_id=project.pk)
    User.objects.all().delete()
    return Board(make_people())
