"""The demo: believable boards in an empty database, once, and never on a real server."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import demo
from projects.models import Comment, Project, Task, User
from projects.rooms import readers


@pytest.fixture
def _quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def seeded(db, settings, _quick_passwords) -> str:
    settings.DEBUG = True
    out = StringIO()
    call_command("demo", seed_only=True, stdout=out)
    return out.getvalue()


def test_an_empty_database_gets_four_boards_with_all_that_a_board_shows(seeded):
    assert Project.objects.count() == 4
    assert Task.objects.count() >= 70
    assert Comment.objects.count() >= 10
    today = timezone.localdate()
    assert Task.objects.filter(due_on__lt=today).exists(), "something is overdue"
    assert Task.objects.filter(due_on__range=(today, today + timedelta(days=7))).exists()
    assert Task.objects.filter(assignee=None).exists()
    assert Task.objects.exclude(labels=[]).exists()


def test_one_board_is_open_to_guests(seeded):
    assert [bool(readers(str(project.pk), [None])) for project in Project.objects.all()].count(True) == 1


def test_everybody_can_log_in_as_told_and_ada_is_the_administrator(seeded):
    for username in demo.USERNAMES:
        user = User.objects.get(username=username)
        assert username in seeded
        assert user.check_password(demo.PASSWORD)
        assert user.is_superuser == (username == "ada")
    assert demo.PASSWORD in seeded


def test_a_second_start_adds_nothing_and_asks_little(seeded, settings):
    with CaptureQueriesContext(connection) as queries:
        call_command("demo", seed_only=True, stdout=StringIO())
    assert Project.objects.count() == 4
    assert len(queries) < 10


def test_it_refuses_to_run_outside_debug(db, settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("demo", seed_only=True)
    assert not Project.objects.exists()
