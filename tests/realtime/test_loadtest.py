"""`manage.py loadtest`: whoever deploys on its word must not be told "no loss" where there was one."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest

from devmentor.loadtesting.account import users_for
from tests.realtime import tampering
from tests.realtime.command_rig import typed
from tests.realtime.tampering import Tampering
from tests.realtime.test_operations import connections
from tests.support.boards import Board
from tests.support.console import Outcome
from tests.support.environment import environment
from tests.support.metrics import read_metrics
from tests.support.people import EDITOR, OUTSIDER, VIEWER, Person
from tests.support.processes import ROOT, eventually, free_port
from tests.support.stack import Stack

EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
LEFT = """
from django.apps import apps
names = apps.get_model("projects.User").objects.filter(username__startswith="loadtest-")
boards = apps.get_model("projects.Project").objects.filter(name="Load test")
events = apps.get_model("realtime.Event").objects.filter(event="project:created")
print(names.count(), boards.count(), events.filter(envelope__contains='"Load test"').count())
"""


def load(stack: Stack, *arguments: str, url: str | None = None) -> Outcome:
    return stack.console("loadtest", f"--url={url or stack.second.http_url}", *arguments)


def command(stack: Stack, *arguments: str) -> "subprocess.Popen[str]":
    """The same in a process of its own, which can be told things meanwhile."""
    program = [sys.executable, "manage.py", "loadtest", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        program, cwd=ROOT, env=environment(stack.settings), stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def left_behind(stack: Stack) -> str:
    """Users, projects and logs of load tests in the database."""
    return stack.python(LEFT).out.strip()


@contextmanager
def tampered(stack: Stack, deed: Callable[..., Any]) -> Iterator[str]:
    proxy = Tampering(stack.second.port, deed)
    try:
        yield proxy.url
    finally:
        proxy.close()


# --- A healthy gateway ------------------------------------------------------------------------------


def test_every_client_hears_every_write_and_nothing_is_left(stack: Stack) -> None:
    found = load(stack, "--connections=20", "--duration=2", "--rate=20", "--json")
    assert (found.status, found.err) == (0, "")
    result = found.json()
    assert (result["writes"], result["writesFailed"], result["deliveries"]) == (40, 0, 800)
    assert (result["losses"], result["reconnects"], result["gateways"]) == (0, {}, 1)
    assert 0 < result["latencyMs"]["p50"] <= result["latencyMs"]["p99"] <= result["latencyMs"]["longest"]
    assert result["ownLatencyMs"]["p50"] < result["latencyMs"]["p50"]
    assert left_behind(stack) == "0 0 0"
    eventually(lambda: connections(stack.second.http_url) == 0, what="its clients to be gone")


@EMBEDDED
def test_it_says_what_it_has_measured(stack: Stack) -> None:
    found = load(stack, "--connections=1", "--duration=1")
    assert found.status == 0
    lines = found.out.splitlines()
    where = stack.second.http_url
    assert lines[0] == f"1 client on 1 gateway at {where}, 10 writes a second for 1 s"
    assert [line.split()[0] for line in lines[2:7]] == [
        *("latency", "deliveries", "writes", "reconnects", "losses")
    ]
    assert lines[4].endswith("10 answered, 0 failed, 0 sent again")
    assert "from sending a write over HTTP until a client has read its event" in found.out


@EMBEDDED
def test_a_project_that_is_there_keeps_its_tasks_and_members(stack: Stack, board: Board) -> None:
    task, members = board.add_task("Stays"), board.snapshot()["members"]
    found = load(stack, "--connections=5", "--duration=1", f"--project={board.id}", "--json")
    assert (found.status, found.json()["losses"]) == (0, 0)
    after = board.snapshot()
    assert ([each["id"] for each in after["tasks"]], after["members"]) == ([task["id"]], members)
    assert after["seq"] > 20  # tasks, their changes, and their going are events as any
    assert left_behind(stack) == "0 0 0"


# --- Losses -----------------------------------------------------------------------------------------

DEEDS = [
    (tampering.lose, "missed", "1 event missed"),
    (tampering.double, "doubled", "1 event heard twice"),
    (tampering.swap, "outOfOrder", "1 event out of order"),
]


@EMBEDDED
@pytest.mark.parametrize("deed, kind, said", DEEDS, ids=[kind for _, kind, _ in DEEDS])
def test_one_event_that_goes_wrong_at_one_client_is_noticed(
    stack: Stack, deed: Callable[..., Any], kind: str, said: str
) -> None:
    with tampered(stack, deed) as url:
        found = load(stack, "--connections=5", "--duration=1", "--json", url=url)
    assert (found.status, found.err) == (1, f"CommandError: something was lost: {said}\n")
    result = found.json()
    losses = {name: result[name] for name in ("missed", "doubled", "outOfOrder", "unheard", "writesFailed")}
    assert {name: count for name, count in losses.items() if count} == {kind: 1}
    assert (result["losses"], left_behind(stack)) == (1, "0 0 0")


@EMBEDDED
def test_a_client_that_was_cut_off_resumes_and_has_lost_nothing(stack: Stack) -> None:
    with tampered(stack, tampering.cut) as url:
        found = load(stack, "--connections=5", "--duration=1", "--json", url=url)
    result = found.json()
    assert (found.status, result["reconnects"], result["losses"]) == (0, {"1006": 1}, 0)
    assert result["deliveries"] == 5 * result["writes"]


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
def test_a_gateway_that_crashes_and_comes_back_has_lost_nothing(own_stack: Stack) -> None:
    url, gateway = f"--url={own_stack.first.http_url}", own_stack.first
    running = command(own_stack, url, "--connections=10", "--duration=3", "--json")
    eventually(lambda: delivered(gateway.http_url), 15, "its clients to have heard of a write")
    gateway.kill()
    gateway.restart()
    found = Outcome(running.wait(60), *running.communicate())
    assert (found.status, found.json()["losses"]) == (0, 0)
    assert sum(found.json()["reconnects"].values()) >= 10


def delivered(url: str) -> bool:
    """Whether a gateway has handed out a change of a task: all who are to hear of it have joined by then."""
    return any(
        series.startswith('websocket_messages_total{direction="out",event="task:')
        for series in read_metrics(url)
    )


# --- What stands in the way -------------------------------------------------------------------------


def test_where_no_gateway_answers_it_says_how_to_start_one(settings: Any) -> None:
    settings.PORT = free_port()
    found = typed("loadtest")
    where = f"http://127.0.0.1:{settings.PORT}"
    start = "start one with `make run` or `manage.py gateway`, or give --url"
    assert (found.status, found.out) == (1, "")
    assert found.err == f"no gateway answers at {where} (connection refused): {start}"


WRONG = [
    ("--connections=0", "--connections 0: expected a whole number from 1 to 10000"),
    ("--connections=many", "--connections many: expected a whole number"),
    ("--connections=10001", "--connections 10001: expected a whole number"),
    ("--duration=0", "--duration 0: expected a number from 1 to 86400"),
    ("--duration=nan", "--duration nan: expected a number"),
    ("--rate=1e9", "--rate 1e9: expected a number from 0.1 to 1000"),
    ("--project=12", "--project 12: expected the id of a project, a UUID"),
    ("--url=localhost:8002", "--url 'localhost:8002': expected ws://, wss://, http:// or https://"),
]


@pytest.mark.parametrize("argument, said", WRONG, ids=[argument for argument, _ in WRONG])
def test_what_does_not_hold_says_what_is_allowed(argument: str, said: str) -> None:
    found = typed("loadtest", argument)
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith(said)
    assert "\n" not in found.err


def test_too_few_open_files_are_told_before_anything_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 1024))
    found = typed("loadtest", "--connections=1000")
    assert found.err.startswith(
        "--connections 1000: they take 1200 open files, and this shell may have 1024."
    )
    assert found.err.endswith("or ask for 824 connections at the most")


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(MAX_CONNECTIONS="5", HANDSHAKES_PER_MINUTE="8")
def test_a_gateway_that_is_full_limits_or_has_no_sockets_is_told_in_a_line(own_stack: Stack) -> None:
    own_stack.console("realtime", "off")
    assert "real-time is off there: `manage.py realtime on`" in load(own_stack, "--connections=1").err
    own_stack.console("realtime", "on")
    full, limited = load(own_stack, "--connections=6"), load(own_stack, "--connections=3")
    for found in (full, limited):
        assert (found.status, found.out, found.err.count("\n")) == (1, "", 1), found.err
    assert "5 of 6 clients were let in, then one was refused: 4503 this gateway is full" in full.err
    assert "ask for fewer --connections, or raise the limit: MAX_CONNECTIONS" in full.err
    assert "was refused: 4429 too many handshakes" in limited.err
    assert left_behind(own_stack) == "0 0 0"


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(MAX_CONNECTIONS_PER_USER="10")
def test_more_clients_than_one_user_may_have_come_as_several(
    own_stack: Stack, own_board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = load(own_stack, "--connections=25", "--duration=1", "--json")
    assert (found.status, found.json()["losses"]) == (0, 0), found.err
    assert left_behind(own_stack) == "0 0 0"
    monkeypatch.setattr("sys.stdin", StringIO(f"{EDITOR.password}\n"))
    arguments = ("--connections=11", "--duration=1", f"--project={own_board.id}")
    one = typed("loadtest", f"--url={own_stack.first.http_url}", f"--user={EDITOR.username}", *arguments)
    assert (one.status, one.out) == (1, "")
    assert "10 of 11 clients were let in, then one was refused: 4503 you have too many" in one.err
    assert "MAX_CONNECTIONS_PER_USER" in one.err


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(WRITES_PER_MINUTE="30", LOG_BYTES_PER_HOUR="60000")
def test_more_writes_than_one_user_may_make_come_from_several(own_stack: Stack, own_board: Board) -> None:
    """Else a gateway that limits its users could not be loaded."""
    found = load(own_stack, "--connections=2", "--duration=4", "--rate=20", "--json")
    assert found.status == 0, found.err
    assert (found.json()["writes"], found.json()["writesRepeated"], found.json()["losses"]) == (80, 0, 0)
    assert left_behind(own_stack) == "0 0 0"


@pytest.mark.parametrize(
    "clients, most, users", [(100, 100, 2), (80, 100, 1), (300, 100, 4), (5, 0, 1), (3, 1, 3), (0, 100, 1)]
)
def test_a_fifth_of_what_a_user_may_have_stays_free(clients: int, most: int, users: int) -> None:
    """Whoever comes back after a cut may still be counted."""
    assert users_for(clients, most) == users


@EMBEDDED
def test_another_database_is_not_taken_for_the_gateways(stack: Stack) -> None:
    wrong = dict(stack.settings, JWT_SECRET="of another gateway, thirty-two bytes long")
    program = [sys.executable, "manage.py", "loadtest", f"--url={stack.first.http_url}"]
    ran = subprocess.run(program, cwd=ROOT, env=environment(wrong), capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "does not know the user just made in SQLite" in ran.stderr
    assert ran.stderr.endswith("Set DATABASE_URL and JWT_SECRET to its own, or give --user\n")
    assert left_behind(stack) == "0 0 0"


@EMBEDDED
def test_somebody_elses_gateway_is_visited_with_a_password(
    stack: Stack, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No database is asked here: none is to be used in this test."""

    def load_as(person: Person) -> Outcome:
        monkeypatch.setattr("sys.stdin", StringIO(f"{person.password}\n"))
        small = ("--connections=2", "--duration=1", "--json", f"--project={board.id}")
        return typed("loadtest", f"--url={stack.second.http_url}", f"--user={person.username}", *small)

    assert load_as(EDITOR).json()["losses"] == 0
    takes = "It takes an editor: add this user as one"
    cannot = f"project {board.id} cannot be used"
    said = {person: load_as(person).err for person in (VIEWER, OUTSIDER, Person("nobody", ""))}
    assert said[VIEWER] == f"{cannot}: this user may only read it. {takes}"
    assert said[OUTSIDER] == f"{cannot}: it is not there, or this user may not see it. {takes}"
    assert said[Person("nobody", "")].startswith(
        f"nobody cannot log in at {stack.second.http_url}: 401: No active"
    )
    assert board.snapshot()["tasks"] == []


# --- Ended early ------------------------------------------------------------------------------------


@EMBEDDED
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_early_says_what_it_has_and_removes_what_it_made(
    stack: Stack, how: signal.Signals
) -> None:
    url = stack.first.http_url
    with command(stack, f"--url={url}", "--connections=3", "--duration=600", "--json") as running:
        try:
            eventually(lambda: connections(url) == 3, 15, "its clients")
            running.send_signal(how)
            err = running.communicate(timeout=30)[1]
        finally:
            running.kill()  # one that goes on would fail the tests behind this one
    assert running.returncode == 130
    assert "stopped" in err
    assert "Traceback" not in err
    assert left_behind(stack) == "0 0 0"
    assert connections(url) == 0
