"""The operators' commands where the database does not do its part: one line, and what was written holds."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import OperationalError, ProgrammingError, connection

from realtime import journal
from realtime.management import operating, orders
from realtime.management.operating import OperatorCommand
from tests.realtime.command_rig import typed
from tests.support.environment import environment
from tests.support.processes import ROOT, free_port

pytestmark = pytest.mark.django_db(transaction=True)
OTHERS = {"gateway", "page_oncall"}  # the one is no command of a moment, the other needs no database


COMMANDS = [("realtime", "off"), ("audit_connections", "--json"), ("block", "192.0.2.0/24"), ("trim_events",)]


def said_on(database: str) -> list[str]:
    """The line with which each command ends there."""

    def run(command: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        program, given = [sys.executable, "manage.py"], environment({"DATABASE_URL": database})
        return subprocess.run([*program, *command], cwd=ROOT, env=given, capture_output=True, text=True)

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, COMMANDS))
    assert [(each.returncode, each.stdout) for each in ended] == [(1, "")] * len(COMMANDS)
    assert all(len(each.stderr.splitlines()) == 1 for each in ended), ended
    return [each.stderr for each in ended]


def test_a_database_that_does_not_answer_is_named_in_a_line() -> None:
    port = free_port()
    for said in said_on(f"postgres://ada:geheim@127.0.0.1:{port}/boards"):
        assert said.startswith("CommandError: the database does not answer: PostgreSQL boards on 127.0.0.1:")
        assert "refused" in said  # by the server's own word, and not "no connection after 6 s"
        assert "geheim" not in said


def test_an_empty_database_is_told_from_one_that_is_away(tmp_path: Path) -> None:
    """An operator's shell without DATABASE_URL looks into a file that nobody else knows."""
    file = tmp_path / "empty.sqlite3"
    for said in said_on(f"sqlite:///{file}"):
        assert said.startswith(f"CommandError: the database has no tables of this service: SQLite {file}.")
        assert said.endswith(
            "Run `manage.py migrate`, or set DATABASE_URL to the one that the gateways use\n"
        )


def test_whatever_an_operator_types_says_so_in_its_way() -> None:
    ours = {name for name, app in get_commands().items() if app == "realtime"}
    assert ours > OTHERS
    for name in ours - OTHERS:
        assert isinstance(load_command_class("realtime", name), OperatorCommand), name


def test_a_database_of_an_older_version_is_no_empty_one() -> None:
    with pytest.raises((OperationalError, ProgrammingError)) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT of_the_next_version FROM realtime_gatewayprocess")
    assert operating.told(caught.value).startswith("the database lacks what this version needs")


def test_what_was_written_before_the_database_went_is_said() -> None:
    class Command(OperatorCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            self.written = 7
            raise OperationalError("the connection is lost")

    with pytest.raises(CommandError, match=r"does not answer.*lost; entry 7 of the journal was written"):
        call_command(Command())


def test_a_moment_without_the_database_is_waited_out() -> None:
    away = iter([True, True, False])

    def look() -> bool:
        if next(away):
            raise OperationalError("no connection")
        return True

    assert orders.until(look)


def test_bytes_that_are_no_text_are_no_fault() -> None:
    outcome = typed("disconnect", "--all", "--reason", "lost \udcff")
    assert (outcome.status, journal.head()) == (1, 0)
    assert "U+DCFF (half a character), character 6, is not allowed here" in outcome.err
