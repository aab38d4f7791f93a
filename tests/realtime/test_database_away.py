"""A PostgreSQL that is gone, or holds a lock: an honest 503 within seconds, and all is well soon after."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.realtime.service_rig import Service
from tests.support.api import log_in
from tests.support.boards import Board
from tests.support.gateway import Gateway, answers
from tests.support.metrics import read_metric
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.sockets import Socket

LOCK_SECONDS = 5.0
LONGEST_ANSWER_SECONDS = 12.0
CROWD = 10


@pytest.fixture
def services(tmp_path: Path) -> Iterator[list[Service]]:
    """Two gateways, one of them in debug mode, in which Django has pages of its own for failures."""
    with ExitStack() as resources:
        first = Service(tmp_path, resources)
        yield [first, Service(tmp_path, resources, beside=first, DEBUG="true")]


def assert_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text[:500]
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == "unavailable"


def test_while_the_database_is_gone_everything_says_so_and_goes_on_when_it_is_back(
    services: list[Service],
) -> None:
    boards = [Board(service.api) for service in services]
    postgres = services[0].postgres
    postgres.server.stop()
    with ThreadPoolExecutor() as pool:
        list(pool.map(assert_all_says_so, services, boards))
    postgres.server.start()
    postgres.server.wait_ready()
    for service, board in zip(services, boards, strict=True):
        assert eventually(partial(added_once, service, board)).status_code == 201
        assert len(board.snapshot()["tasks"]) == 1
    told = services[0].gateway.log.read_text()
    for where in ("looking credentials up", "/projects", "/admin/"):
        assert f"{where}: the database does not answer" in told
    assert "Traceback" not in told  # of a thousand that come back they would bury all else


def assert_all_says_so(service: Service, board: Board) -> None:
    """Whoever wrote must learn that the outcome is open, and that asking again does no harm."""
    service.web.cookies.set("sessionid", "s" * 32)  # the session is looked up before any view is asked
    origin = {"Origin": service.gateway.web_url}
    begun = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        writing = pool.submit(add_once, service, board)
        reading = [pool.submit(service.api.get, f"{board.path}/{name}/") for name in ("board", "events")]
        by_cookie = pool.submit(service.web.get, f"{board.path}/", headers=origin)
        pages = [pool.submit(service.web.get, path) for path in ("/projects", "/admin/")]
        with Socket(service.gateway.ws_url, token=service.api.token) as opened:
            assert opened.wait_closed(LONGEST_ANSWER_SECONDS) == 1012
    assert time.monotonic() - begun < LONGEST_ANSWER_SECONDS
    for asked in (writing, *reading, by_cookie):
        assert_unavailable(asked.result())
    assert "not known" in writing.result().json()["detail"]
    assert "Idempotency-Key" in writing.result().json()["detail"]
    assert by_cookie.result().headers["access-control-allow-origin"] == service.gateway.web_url
    for page in (asked.result() for asked in pages):
        assert (page.status_code, page.headers["content-type"]) == (503, "text/plain; charset=utf-8")
        assert page.headers["retry-after"]
        assert "does not answer" in page.text


def add_once(service: Service, board: Board) -> httpx.Response:
    key = {"Idempotency-Key": f"once-{board.id}"}
    return service.api.post(f"{board.path}/tasks/", {"title": "Once"}, headers=key)


def added_once(service: Service, board: Board) -> Any:
    answer = add_once(service, board)
    return answer if answer.status_code < 500 else None


def test_a_restart_of_the_database_costs_the_next_requests_nothing(tmp_path: Path) -> None:
    """However many connections it has ended: they are not tried in vain, a second after the other."""
    with ExitStack() as resources:
        service = Service(tmp_path, resources)
        board, crowd = Board(service.api, public=True), service.strangers(CROWD)
        with ThreadPoolExecutor(CROWD) as pool, board_locked(service, board):
            tries = [
                pool.submit(client.post, f"{board.path}/tasks/", json={"title": "T"}) for client in crowd
            ]
            eventually(lambda: waiters(service) >= CROWD, 4, "as many connections as there are writers")
        assert {tried.result().status_code for tried in tries} == {403}
        service.postgres.restart()
        eventually(lambda: sessions(service) >= CROWD, what="the connections to have been made anew")
        for _ in range(3):
            begun = time.monotonic()
            assert service.api.get(f"{board.path}/board/").status_code == 200
            assert service.api.post(f"{board.path}/tasks/", {"title": "A"}).status_code == 201
            assert time.monotonic() - begun < 1
        assert failures(service) > 0
        service.gateway.stop()
        assert "was deleted while still open" not in service.gateway.log.read_text()


def test_a_gateway_whose_database_takes_no_writes_is_not_ready_and_reads_on(tmp_path: Path) -> None:
    """A standby, a full disk: other gateways take it for dead, and no order to its sockets counts."""
    with ExitStack() as resources:
        service = Service(tmp_path, resources)
        board, ready = Board(service.api), f"{service.gateway.http_url}/ready"
        with psycopg.connect(service.url, autocommit=True) as operator:
            operator.execute("SET default_transaction_read_only = off")
            operator.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            operator.execute("SELECT pg_reload_conf()")
            eventually(lambda: not answers(ready), 15, "it to say that it is not ready")
            assert httpx.get(ready).json()["checks"]["database"] == "failed"
            assert board.snapshot()["tasks"] == []
            assert_unavailable(add_once(service, board))
            operator.execute("ALTER SYSTEM RESET default_transaction_read_only")
            operator.execute("SELECT pg_reload_conf()")
        eventually(lambda: answers(ready), what="it to be ready again")
        assert add_once(service, board).status_code == 201


def failures(service: Service) -> float:
    """Of the database, as operators see them."""
    return read_metric(service.gateway.http_url, "gateway_database_failures_total")


@contextmanager
def board_locked(service: Service, board: Board) -> Iterator[None]:
    with psycopg.connect(service.url) as holder:
        room = [f"project:{board.id}"]
        holder.execute("SELECT * FROM realtime_roomhead WHERE room = %s FOR UPDATE", room)
        yield


def test_a_room_that_is_locked_holds_up_no_other(tmp_path: Path) -> None:
    """While some wait for one project everybody else writes on."""
    with ExitStack() as resources:
        service = Service(tmp_path, resources)
        locked, other = Board(service.api, "Locked", public=True), Board(service.api, "Other")
        answers: list[tuple[float, httpx.Response]] = []

        def write(client: httpx.Client) -> None:
            begun = time.monotonic()
            answer = client.post(f"{locked.path}/tasks/", json={"title": "Waits"})
            answers.append((time.monotonic() - begun, answer))

        waiting = [threading.Thread(target=write, args=(client,)) for client in service.strangers(8)]
        with board_locked(service, locked):
            for thread in waiting:
                thread.start()
            eventually(lambda: waiters(service) >= len(waiting), 4, "all to wait for the lock")
            begun = time.monotonic()
            other.add_task()
            assert time.monotonic() - begun < 2
            for thread in waiting:
                thread.join()
        assert len(answers) == len(waiting)
        for seconds, answer in answers:
            assert_unavailable(answer)
            assert LOCK_SECONDS - 1 < seconds < 2 * LOCK_SECONDS + 2  # behind the first, for its place too
        locked.add_task()


def waiters(service: Service) -> int:
    return service.count_sessions("wait_event_type = 'Lock'")


def sessions(service: Service) -> int:
    return service.count_sessions("datname = 'board'")


@pytest.mark.postgresql
def test_the_server_itself_ends_what_a_vanished_gateway_leaves_open(transactional_db: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        found = {}
        for name in (
            *("idle_in_transaction_session_timeout", "lock_timeout"),
            *("tcp_keepalives_idle", "tcp_keepalives_interval"),
        ):
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
    assert (found["idle_in_transaction_session_timeout"], found["lock_timeout"]) == ("10s", "5s")
    params = connection.get_connection_params()
    assert (params["keepalives_idle"], params["tcp_user_timeout"]) == (5, 10_000)


def test_a_gateway_that_starts_meanwhile_lets_nobody_in_before_it_knows_what_operators_have_set(
    tmp_path: Path,
) -> None:
    """It cannot know whether real-time is off, or who is blocked: clients are told to come back."""
    with ExitStack() as resources:
        service = Service(tmp_path, resources)
        token = log_in(service.gateway.http_url, OWNER)
        service.gateway.stop()
        service.postgres.server.stop()
        service.gateway.start()
        service.gateway.wait_until(partial(answers, f"{service.gateway.http_url}/health"), 30)
        with ThreadPoolExecutor() as pool:
            socket = pool.submit(close_code, service.gateway, token)
            handshake = pool.submit(
                httpx.get, f"{service.gateway.http_url}/socket.io/?EIO=4&transport=polling", timeout=40
            )
        assert socket.result() == 1012
        assert handshake.result().status_code == 503
        service.postgres.server.start()
        service.postgres.server.wait_ready()
        service.gateway.wait_ready()
        with Socket(service.gateway.ws_url, token=token) as late:
            assert late.next()["event"] == "hello"


def close_code(gateway: Gateway, token: str) -> int:
    with Socket(gateway.ws_url, token=token) as socket:
        return socket.wait_closed(20)
