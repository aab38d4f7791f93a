"""Logs: a log that cannot be written costs its lines, and never an answer."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from django.test import Client

from devmentor import env
from devmentor.log_handlers import ConsoleLog, FileLog
from devmentor.logs import logging_config
from realtime.middleware import REFUSED_LINES
from realtime.workers import SUPERVISED
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.processes import ROOT, eventually
from tests.support.stack import Templates

Log = Callable[..., None]


# --- On a running gateway -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Path]]:
    """A gateway, and the file that it logs into; `folder/app.log` may be taken away and put back."""
    folder = tmp_path_factory.mktemp("logs")
    (folder / "now").mkdir()
    file = folder / "now" / "app.log"
    settings = {"DATABASE_URL": templates.copy("embedded"), "LOG_FILE": str(file)}
    with Gateway(settings, folder) as gateway:
        yield gateway, file


def refused_log_in(gateway: Gateway) -> httpx.Response:
    """A request that is logged, as a warning."""
    body = {"username": OWNER.username, "password": "wrong"}
    return httpx.post(f"{gateway.http_url}/api/auth/token/", json=body, timeout=10)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []


def put_a_folder_in_its_place(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.mkdir()


def fill_the_disk(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.symlink_to("/dev/full")


def answers(gateway: Gateway) -> None:
    """Requests that are logged, refused and polled are answered as ever."""
    assert refused_log_in(gateway).status_code == 401
    assert httpx.get(f"{gateway.http_url}/api/nothing/", timeout=10).status_code == 404
    events = f"{gateway.http_url}/api/projects/00000000-0000-0000-0000-000000000000/events/?since=0"
    assert httpx.get(events, timeout=10).status_code == 404


@pytest.mark.parametrize("break_it", [put_a_folder_in_its_place, fill_the_disk])
def test_a_gateway_answers_while_its_log_cannot_be_written_and_says_what_it_misses_after_it(
    served: tuple[Gateway, Path], break_it: Callable[[Path], None]
) -> None:
    gateway, file = served
    refused_log_in(gateway)
    break_it(file)
    answers(gateway)
    eventually(lambda: f"log file {file} cannot be written" in gateway.log.read_text("utf-8"))
    file.rmdir() if file.is_dir() else file.unlink()
    refused_log_in(gateway)
    written = eventually(lambda: lines(file), what="lines in the log again")
    assert any("lines are missing" in line["event"] for line in written)


def test_a_gateway_whose_logs_were_moved_writes_on_into_them_until_it_can_make_the_file_again(
    served: tuple[Gateway, Path],
) -> None:
    gateway, file = served
    refused_log_in(gateway)
    gone = file.parent.rename(file.parent.with_name("gone"))
    before = len(lines(gone / file.name))
    answers(gateway)
    assert len(eventually(lambda: lines(gone / file.name))) > before
    file.parent.mkdir()
    refused_log_in(gateway)
    eventually(lambda: lines(file), what="lines in the log again")


def test_requests_that_are_refused_write_few_lines_and_short_ones(served: tuple[Gateway, Path]) -> None:
    """Anybody may send them, as long and as often as they like."""
    gateway, file = served
    with httpx.Client(base_url=gateway.http_url, headers={"X-Request-ID": "y" * 9000}) as client:
        statuses = {
            client.get(f"/nothing/{number:0>9000}").status_code for number in range(3 * REFUSED_LINES)
        }
    assert statuses == {404}
    marked = eventually(lambda: [line for line in lines(file) if "/nothing/0" in line.get("request", "")])
    assert len(marked) < 2 * REFUSED_LINES  # one more each second
    assert max(len(json.dumps(line)) for line in marked) < 1000
    assert httpx.post(f"{gateway.http_url}/api/nothing/", timeout=10).status_code == 404


def test_a_gateway_whose_console_is_closed_serves_and_logs_into_its_file(
    templates: Templates, tmp_path: Path
) -> None:
    file = tmp_path / "app.log"
    settings = {"DATABASE_URL": templates.copy("embedded"), "LOG_FILE": str(file)}
    closed = (
        "import os, runpy, sys; os.closerange(0, 3); sys.argv = sys.argv[1:]; "
        "os.execv(sys.executable, [sys.executable, *sys.argv])"
    )
    with Gateway(settings, tmp_path, ("-c", closed, "manage.py")) as gateway:
        assert refused_log_in(gateway).status_code == 401
        eventually(lambda: lines(file), what="lines in the file")


def start(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "gateway", "--port", "0"],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "path", ["missing/x.log", "", "file/x.log"], ids=["no folder", "a folder", "below a file"]
)
def test_a_log_file_that_cannot_be_opened_stops_the_start_with_one_line(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = start(LOG_FILE=str(tmp_path / path))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"LOG_FILE='{tmp_path}")
    assert "expected a file" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_worker_that_is_started_again_serves_without_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its gateway runs already: a folder that has gone since must not cost it a worker after the other."""
    monkeypatch.setenv("LOG_FILE", "/nonexistent/x.log")
    monkeypatch.setenv(SUPERVISED, "true")
    assert env.log_file("LOG_FILE") == "/nonexistent/x.log"


# --- The handlers ---------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    handler = FileLog(str(tmp_path / "app.log"))
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.Logger("tests")  # noqa: LOG001  of this test alone
    logger.addHandler(handler)
    yield logger.info
    handler.close()


def test_each_line_is_in_the_file_when_the_call_returns(log: Log, tmp_path: Path) -> None:
    log("one")
    log("two é \ud800")
    assert (tmp_path / "app.log").read_bytes() == "one\ntwo é \\ud800\n".encode()


def test_a_file_that_was_rotated_away_is_made_again(log: Log, tmp_path: Path) -> None:
    log("one")
    (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    log("two")
    assert (tmp_path / "app.log.1").read_text() == "one\n"
    assert (tmp_path / "app.log").read_text() == "two\n"


def test_lines_that_were_lost_are_counted_in_the_file_and_told_once_on_the_console(
    log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.log").mkdir()
    for number in range(3):
        log("line %d", number)
    (tmp_path / "app.log").rmdir()
    log("after")
    first, second = (tmp_path / "app.log").read_text().splitlines()
    assert "3 lines are missing" in first
    assert second == "after"
    said = capsys.readouterr().err
    assert said == f"log file {tmp_path / 'app.log'} cannot be written: Is a directory\n"


def test_a_line_that_was_cut_short_is_ended_before_the_next_one(tmp_path: Path) -> None:
    """A pipe that is full takes the beginning of a line, then nothing, then all again."""
    path = tmp_path / "app.log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    handler = FileLog(str(path))
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.Logger("tests")  # noqa: LOG001  of this test alone
    logger.addHandler(handler)
    try:
        for line in ("x" * 200_000, "lost", "lost, too"):
            logger.info(line)
        cut = os.read(reader, 200_000)
        logger.info("after")
        rest = os.read(reader, 200_000).decode()
    finally:
        handler.close()
        os.close(reader)
    assert set(cut) == {ord("x")}
    assert rest == "\n3 lines are missing before this one\nafter\n"


def test_a_file_that_cannot_be_made_again_after_rotation_goes_on_being_the_old_one(
    log: Log, tmp_path: Path
) -> None:
    log("one")
    (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    (tmp_path / "app.log").mkdir()
    log("two")
    assert (tmp_path / "app.log.1").read_text() == "one\ntwo\n"


class Explodes:
    def __str__(self) -> str:
        raise RecursionError("too deep")

    __repr__ = __str__


@pytest.mark.parametrize("arguments", [("%d", "text"), ("%s", Explodes()), (Explodes(),)])
def test_a_line_that_cannot_be_formatted_is_told_and_never_raised(
    arguments: tuple[Any, ...], log: Log, tmp_path: Path
) -> None:
    log(*arguments)
    (line,) = (tmp_path / "app.log").read_text().splitlines()
    assert "could not be formatted" in line
    assert __file__ in line


def test_where_no_line_can_be_formatted_each_says_so_all_the_same(log: Log, tmp_path: Path) -> None:
    """What a request has bound to its lines goes into the line about a line that failed, too."""
    json_lines = dict(logging_config(debug=False, file="")["formatters"]["json"])
    formatter = json_lines.pop("()")(**json_lines)
    log.__self__.handlers[0].setFormatter(formatter)  # type: ignore[attr-defined]
    with structlog.contextvars.bound_contextvars(user=Explodes()):
        log("said")
    (line,) = (tmp_path / "app.log").read_text().splitlines()
    assert line.startswith(f"a log line of {__file__}:")
    assert line.endswith("could not be formatted: RecursionError")


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Log]]:
    """Makes a log on the console, which is this descriptor."""
    with ExitStack() as opened:

        def logging_to(descriptor: int) -> Log:
            stream = opened.enter_context(open(descriptor, "w"))
            monkeypatch.setattr(sys, "stderr", stream)
            logger = logging.Logger("tests")  # noqa: LOG001  of this test alone
            logger.addHandler(ConsoleLog())
            return logger.info

        yield logging_to
        monkeypatch.undo()


def test_a_console_that_nobody_reads_holds_nobody_up(console: Callable[[int], Log]) -> None:
    """A log collector that hangs, a pager, Ctrl-S: what is lost is counted."""
    reader, writer = os.pipe()
    log = console(writer)
    for number in range(2000):
        log("line %04d %s", number, "x" * 90)
    held = os.read(reader, 1_000_000)
    assert 40_000 < len(held) < 200_000
    log("after")
    sys.stderr.close()
    written = (held + os.read(reader, 1_000_000)).decode().splitlines()
    kept = [line for line in written if line.startswith("line ") and len(line) == 100]
    assert written[-2:] == [f"{2000 - len(kept)} lines are missing before this one", "after"]
    os.close(reader)


def test_a_console_that_takes_nothing_is_no_reason_to_fail(
    console: Callable[[int], Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, gone = os.pipe()
    os.close(reader)
    for descriptor in (gone, os.open("/dev/full", os.O_WRONLY)):
        console(descriptor)("said")
    log = console(os.dup(descriptor))
    sys.stderr.close()
    log("said")
    monkeypatch.setattr(sys, "stderr", None)
    log("said")


def test_every_handler_that_is_configured_is_one_that_never_fails() -> None:
    configured = logging_config(debug=False, file=os.devnull)["handlers"]
    assert {handler["class"] for handler in configured.values()} == {
        "devmentor.log_handlers.ConsoleLog",
        "devmentor.log_handlers.FileLog",
    }


def test_what_clients_do_wrong_leaves_no_traceback(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    too_many = "&".join(["a=1"] * 2000)
    assert client.get(f"/login?{too_many}").status_code == 400
    assert not [record for record in caplog.records if record.exc_info]
