"""Requests that wait for the database take nothing from the gateway: sockets, polls, switches, its lease."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from devmentor.handler import THREADS
from tests.realtime.service_rig import Service
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.environment import environment
from tests.support.processes import eventually, manage
from tests.support.sockets import Socket

WRITERS = 20
SOON_SECONDS = 1.0
SWITCH_SECONDS = 2.0
RENEWAL_AGE = "SELECT extract(epoch FROM clock_timestamp() - max(renewed_at)) FROM realtime_gatewayprocess"
APPENDED_ELSEWHERE = """
    WITH head AS (UPDATE realtime_roomhead SET seq = seq + 1 WHERE room = %(room)s RETURNING seq)
    INSERT INTO realtime_event (room, seq, event, envelope, at, reauthorise)
    SELECT %(room)s, seq, 'ai:noted', json_build_object('event', 'ai:noted', 'seq', seq), now(), false
    FROM head
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A gateway whose requests have two connections to the database between them."""
    with ExitStack() as resources:
        yield Service(tmp_path_factory.mktemp("service"), resources, DATABASE_POOL_SIZE="2")


def test_requests_that_wait_for_a_locked_board_hold_up_no_socket_and_no_poll(service: Service) -> None:
    locked, other = Board(service.api, "Locked", public=True), Board(service.api, "Other")
    seq = other.seq
    with Socket(service.gateway.ws_url, token=service.api.token) as member:
        member.join(other.id)
        with writers_waiting_for(service, locked, WRITERS):
            assert_ready_and_lease_renewed(service)
            with Socket(service.gateway.ws_url, token=service.api.token) as late:
                assert late.join(other.id)["seq"] == seq
            append(service, other)
            assert member.wait_for_seq(seq + 1, 2 * SOON_SECONDS)["event"] == "ai:noted"
            begun = time.monotonic()
            assert [event["seq"] for event in other.events(seq)] == [seq + 1]
            assert time.monotonic() - begun < SOON_SECONDS
            assert_ready_and_lease_renewed(service)


def test_the_switch_off_holds_within_seconds_meanwhile(service: Service) -> None:
    board, operators = Board(service.api, public=True), environment({"DATABASE_URL": service.url})
    with Socket(service.gateway.ws_url, token=service.api.token) as member:
        try:
            with writers_waiting_for(service, board, WRITERS):
                manage(["realtime", "off"], operators)
                assert member.wait_closed(SWITCH_SECONDS) == 4000
        finally:
            manage(["realtime", "on"], operators)


def test_health_answers_while_every_thread_of_django_is_busy(service: Service) -> None:
    """A probe that waits behind slow requests gets a healthy gateway killed."""
    with writers_waiting_for(service, Board(service.api, public=True), THREADS + 6):
        eventually(lambda: not answers(service, "/api/realtime/"), what="every thread to be taken")
        for path in ("/health", "/ready", "/metrics"):
            assert answers(service, path), path


def answers(service: Service, path: str) -> bool:
    try:
        return httpx.get(f"{service.gateway.http_url}{path}", timeout=SOON_SECONDS).is_success
    except httpx.ReadTimeout:
        return False


@contextmanager
def writers_waiting_for(service: Service, board: Board, count: int) -> Iterator[None]:
    """Of so many people each has a write that waits for one board, all the while.

    One person, and one address, could not have as many under way.
    """
    ended = threading.Event()
    writers = [
        threading.Thread(target=write_again_and_again, args=(client, board, ended))
        for client in service.strangers(count)
    ]
    with psycopg.connect(service.url) as holder:
        room = [f"project:{board.id}"]
        holder.execute("SELECT * FROM realtime_roomhead WHERE room = %s FOR UPDATE", room)
        for writer in writers:
            writer.start()
        eventually(lambda: waiting_for_locks(service) >= 2, what="all connections for requests to be taken")
        try:
            yield
            assert waiting_for_locks(service) >= 1
        finally:
            ended.set()
            holder.rollback()
            for writer in writers:
                writer.join()


def write_again_and_again(client: httpx.Client, board: Board, ended: threading.Event) -> None:
    while not ended.is_set():
        client.post(f"{board.path}/tasks/", json={"title": "Waits"})


def append(service: Service, board: Board) -> None:
    """What the gateway of another machine does: nothing but the log tells of it here."""
    with psycopg.connect(service.url) as connection:
        connection.execute(APPENDED_ELSEWHERE, {"room": f"project:{board.id}"})


def assert_ready_and_lease_renewed(service: Service) -> None:
    begun = time.monotonic()
    answer = httpx.get(f"{service.gateway.http_url}/ready")
    assert answered(answer, 200)["checks"]["database"] == "ok"
    assert time.monotonic() - begun < SOON_SECONDS
    assert fetch(service.url, RENEWAL_AGE) < 3.5  # renewed every two seconds


def waiting_for_locks(service: Service) -> int:
    return service.count_sessions("wait_event_type = 'Lock'")


def fetch(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        (found,) = connection.execute(query).fetchone() or (None,)
        return found
