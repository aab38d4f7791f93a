"""Fills the board of `browser_board` and goes on changing it.

Runs in a process of its own beside the gateway. Its events are real: rows of the log, each in one transaction
with its change, then the bell. It writes below the services on purpose: their questions about rights and
places would take half a core from the browser that is measured. Chance is seeded, so each run makes the same
board and the same changes. Each function answers with JSON on its standard output.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from projects import events, ordering, services
from projects.events import Event
from projects.models import Column, Comment, Membership, Task, User
from projects.rooms import room_of
from realtime import eventlog
from tests.support.people import EDITOR, OWNER

COLUMNS = ("Ideas", "To do", "In progress", "Review", "Done")
LABELS = ("bug", "design", "docs", "backend", "frontend", "security", "good first issue", "waiting")
TEXT = """a board that is looked at all day stays calm while others move what they are doing and nobody asks
the server twice for what it has already said about cards columns labels people dates and comments"""
WORDS = TEXT.split()
WITH_COMMENTS = 300  # of the tasks
TOGETHER = 100  # changes in one transaction; each takes the counter's row through one more version


def seed(tasks: int) -> None:
    """A new project of the owner's, its tasks spread evenly over its columns."""
    owner = User.objects.get(username=OWNER.username)
    project = services.project_create(actor=owner, name="Two thousand", columns=COLUMNS)
    services.member_add(actor=owner, project_id=project.pk, username=EDITOR.username, role="editor")
    board = Board(project.pk, seed=1)
    rows = [board.new_task(number % len(COLUMNS)) for number in range(tasks)]
    for number, row in enumerate(rows):
        row.position = ordering.GAP * number
    Task.objects.bulk_create(rows)
    talked_about = board.chance.sample(rows, min(WITH_COMMENTS, tasks))
    Comment.objects.bulk_create([board.new_comment(task) for task in talked_about])
    _answer(project=str(project.pk))


def live(project: str, *, rate: float, seconds: float, seed: int) -> None:
    """So many events a second, evenly; answers how late the last one was, and the tasks there are now."""
    board = Board(UUID(project), seed)
    board.change()  # the first one opens connections
    began = time.perf_counter()
    total = round(rate * seconds)
    for number in range(total):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        board.change()
    late = time.perf_counter() - began - (total - 1) / rate
    _answer(events=total + 1, late=late, tasks=len(board.tasks))


def many(project: str, *, events: int, seed: int) -> None:
    """So many events as fast as they can be written."""
    board = Board(UUID(project), seed)
    for first in range(0, events, TOGETHER):
        with transaction.atomic():
            for _ in range(min(TOGETHER, events - first)):
                board.change()
    _answer(events=events, tasks=len(board.tasks))


def finish(project: str, *, title: str) -> None:
    """One more change, by which a window shows that it has all that came before."""
    board = Board(UUID(project), seed=0)
    task = board.tasks[0]
    board.edit(task, title=title)
    _answer(task=str(task.pk), title=title, seq=eventlog.head(board.room))


class Board:
    """A board's tasks, and the changes that somebody makes to them by chance."""

    def __init__(self, project: UUID, seed: int) -> None:
        self.project = project
        self.chance = random.Random(seed)  # noqa: S311 - a load, no secret
        self.room = room_of(project)
        self.editor = User.objects.get(username=EDITOR.username)
        self.people = [row.user_id for row in Membership.objects.filter(project=project)]
        self.columns = list(Column.objects.filter(project=project))
        self.tasks = list(Task.objects.filter(project=project).order_by("position", "id"))

    def change(self) -> None:
        """One change, so one event: mostly moves and edits, now and then a comment, a task more or less."""
        kinds: list[Callable[[], None]] = [
            self.move,
            self.change_words,
            self.comment,
            self.create,
            self.delete,
        ]
        self.chance.choices(kinds, weights=(40, 40, 10, 5, 5))[0]()

    def create(self) -> None:
        task = self.new_task(self.chance.randrange(len(self.columns)))
        task.position = self._place(task)
        self.tasks.append(task)
        self._write(Event.TASK_CREATED, lambda: task.save(force_insert=True), lambda: events.task(task))

    def move(self) -> None:
        task = self.chance.choice(self.tasks)
        task.column = self.chance.choice(self.columns)
        task.position = self._place(task)
        place: dict[str, object] = {"from": {}, "to": {}}  # a client takes the place from the task itself
        self._write(Event.TASK_MOVED, lambda: _save(task), lambda: {**events.task(task), **place})

    def change_words(self) -> None:
        every: list[dict[str, Any]] = [
            {"title": self._words(3, 11)},
            {"labels": self.chance.sample(LABELS, 2)},
            {"due_on": self._day()},
            {"description": self._words(10, 60)},
        ]
        self.edit(self.chance.choice(self.tasks), **self.chance.choice(every))

    def edit(self, task: Task, **changes: object) -> None:
        for name, value in changes.items():
            setattr(task, name, value)
        self._write(Event.TASK_UPDATED, lambda: _save(task), lambda: events.task(task))

    def comment(self) -> None:
        comment = self.new_comment(self.chance.choice(self.tasks))
        save = lambda: comment.save(force_insert=True)  # noqa: E731
        self._write(Event.COMMENT_CREATED, save, lambda: events.comment(comment))

    def delete(self) -> None:
        task = self.tasks.pop(self.chance.randrange(len(self.tasks)))
        data = events.deleted(task)
        self._write(Event.TASK_DELETED, lambda: task.delete(), lambda: data)

    def new_task(self, column: int) -> Task:
        return Task(
            project_id=self.project,
            column=self.columns[column],
            title=self._words(3, 11),
            description=self._words(10, 60) if self.chance.random() < 0.6 else "",
            assignee_id=self.chance.choice([*self.people, None]),
            labels=self.chance.sample(LABELS, self.chance.choice((0, 0, 1, 2, 3))),
            due_on=self._day() if self.chance.random() < 0.3 else None,
        )

    def new_comment(self, task: Task) -> Comment:
        return Comment(task=task, author=self.editor, text=self._words(3, 30))

    def _place(self, task: Task) -> int:
        """Between two neighbours by chance; gaps are so wide that these few never use one up."""
        others = sorted(
            one.position for one in self.tasks if one.column_id == task.column_id and one is not task
        )
        spot = self.chance.randint(0, len(others))
        above = others[spot - 1] if spot else None
        found = ordering.between(above, others[spot] if spot < len(others) else None)
        assert found is not None, "a gap is used up"
        return found

    def _write(self, event: Event, save: Callable[[], object], data: Callable[[], Any]) -> None:
        actor = eventlog.Actor(str(self.editor.pk), self.editor.display_name)
        with eventlog.writing(self.room) as log:
            save()
            log.append(event.value, dict(data()), actor=actor)

    def _words(self, least: int, most: int) -> str:
        return " ".join(self.chance.choices(WORDS, k=self.chance.randint(least, most))).capitalize()

    def _day(self) -> date:
        return timezone.now().date() + timedelta(days=self.chance.randint(-20, 60))


def _save(task: Task) -> None:
    task.version += 1
    task.updated_at = timezone.now()
    task.save()


def _answer(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
