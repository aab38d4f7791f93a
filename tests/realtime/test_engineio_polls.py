"""Polls of Socket.IO that break off, overlap, or lose their answer: no event may fall between two of them."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.boards import Board
from tests.support.engineio import Polling, path
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.proxies import HAProxy, Nginx
from tests.support.raw_http import RawHttp, head
from tests.support.stack import Stack

SOON_SECONDS = 2.0


@pytest.fixture
def client(stack: Stack, board: Board) -> Iterator[Polling]:
    """A member of the board, level with it."""
    with Polling(stack.second.http_url) as polling:
        polling.let_in(stack.token(OWNER))
        polling.join(board.id)
        yield polling


def connections(stack: Stack) -> int:
    return int(httpx.get(f"{stack.second.http_url}/health").json()["connections"])


def ended_or_delivers(client: Polling, seq: int) -> bool:
    """Whether the session ends or the event comes; an AssertionError where it goes on without it."""
    while seq not in client.seqs():
        answer = client.get()
        if answer.status_code != 200:
            assert answer.status_code == 400
            return True
        assert "heartbeat" not in answer.text, "the session goes on, and the event never comes"
    return True


def leave(poll: RawHttp) -> list[str]:
    """End the connection; the packets of an answer that was on its way and that the client has read."""
    poll.socket.shutdown(socket.SHUT_WR)
    try:
        answer = poll.answer()
    except ConnectionError:
        return []
    finally:
        poll.socket.close()
    return answer.body.decode().split("\x1e")


def resume(stack: Stack, board: Board, since: int) -> list[int]:
    """What a client that comes back is sent, up to the present end of the log."""
    with Polling(stack.second.http_url) as polling:
        polling.let_in(stack.token(OWNER))
        end = polling.join(board.id, since)["seq"]
        polling.wait_for_seq(end)
        return polling.seqs()


def test_a_poll_that_breaks_off_ends_its_session_at_once(stack: Stack, board: Board, client: Polling) -> None:
    """Whoever comes back gets what it missed, and nobody is shown as there who is not."""
    seq, before = board.seq, connections(stack)
    client.begin_poll().socket.close()
    eventually(lambda: connections(stack) == before - 1, SOON_SECONDS, "the session to end")
    board.add_task()
    assert client.get().status_code == 400
    assert resume(stack, board, seq) == [seq + 1]


def test_a_poll_that_is_answered_as_its_client_leaves_loses_nothing(stack: Stack, board: Board) -> None:
    """The event and the end of the connection cross on the way: most tries hit the moment on one side."""
    for attempt in range(8):
        with Polling(stack.second.http_url) as polling:
            polling.let_in(stack.token(OWNER))
            polling.join(board.id)
            poll = polling.begin_poll()
            seq = board.seq + 1
            writing = threading.Thread(target=board.add_task)
            writing.start()
            time.sleep(attempt * 0.003)  # the moment is what is tried
            polling.packets += leave(poll)
            writing.join()
            assert ended_or_delivers(polling, seq)


def test_an_answer_that_is_cut_in_the_middle_ends_the_session(
    stack: Stack, board: Board, client: Polling
) -> None:
    seq = board.seq
    for _ in range(30):
        board.add_task("Long", description="x" * 8000)
    poll = RawHttp(client.url)
    poll.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    poll.send(head("GET", path(client.sid), poll.host))
    assert poll.socket.recv(100)  # its beginning
    poll.socket.close()  # over unread bytes: the peer is told by a reset
    eventually(lambda: client.get().status_code == 400, SOON_SECONDS, "the session to end")
    assert resume(stack, board, seq) == list(range(seq + 1, seq + 31))


def test_a_client_whose_connection_is_reset_loses_nothing(
    stack: Stack, board: Board, client: Polling
) -> None:
    seq = board.seq
    poll = client.begin_poll()
    poll.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    poll.socket.close()
    board.add_task()
    assert ended_or_delivers(client, seq + 1)


def test_of_two_polls_at_once_neither_eats_what_the_other_waits_for(
    stack: Stack, board: Board, client: Polling
) -> None:
    seq = board.seq
    with client.begin_poll() as first:
        second = client.get()
        assert second.status_code == 400
        assert second.json() == {"code": 3, "message": "two polls at a time"}
        assert first.answer().body == b"1"  # Engine.IO's CLOSE
    board.add_task()
    assert client.get().status_code == 400
    assert resume(stack, board, seq) == [seq + 1]


def test_behind_nginx_a_time_out_that_cuts_a_poll_loses_nothing(
    stack: Stack, board: Board, tmp_path: Path
) -> None:
    text = (
        "server { listen 127.0.0.1:@PORT@; location / { proxy_read_timeout 1s; "
        f"proxy_pass {stack.second.http_url}; }} }}"
    )
    with Nginx(text, tmp_path) as nginx, Polling(nginx.http_url) as client:
        client.let_in(stack.token(OWNER))
        client.join(board.id)
        seq = board.seq
        while (answer := client.get()).status_code == 200:
            pass  # hello, presence
        assert answer.status_code == 504
        board.add_task()
        assert client.get().status_code == 400
        assert resume(stack, board, seq) == [seq + 1]


def test_a_client_that_polls_again_on_another_connection_goes_on(
    stack: Stack, board: Board, client: Polling
) -> None:
    """As behind a proxy: each answer on a connection that is closed once it was read."""
    first = board.seq + 1
    for _ in range(5):
        board.add_task()
        with RawHttp(client.url) as poll:
            poll.send(head("GET", path(client.sid), poll.host, Connection="close"))
            answer = poll.answer()
            assert answer.status == 200
            client.packets += answer.body.decode().split("\x1e")
    client.wait_for_seq(first + 4)
    assert client.seqs() == list(range(first, first + 5))


@pytest.mark.parametrize("keeps", ["http-server-close", "http-keep-alive"])
def test_behind_haproxy_a_session_outlives_the_connections_that_it_came_by(
    stack: Stack, board: Board, tmp_path: Path, keeps: str
) -> None:
    """HAProxy resets each connection that it needs no more, also where it has read all that came by it."""
    text = (
        f"listen web\n  bind 127.0.0.1:@PORT@\n  option {keeps}\n  server one 127.0.0.1:{stack.second.port}\n"
    )
    with HAProxy(text, tmp_path) as haproxy, Polling(haproxy.http_url, Connection="close") as client:
        client.let_in(stack.token(OWNER))
        client.join(board.id)
        first = board.seq + 1
        for seq in range(first, first + 3):
            board.add_task()
            client.wait_for_seq(seq)
        assert client.seqs() == list(range(first, first + 3))


def test_a_session_whose_client_was_gone_before_the_answer_is_not_kept(stack: Stack) -> None:
    """Nobody knows its id: it would count as open until its ping runs out."""
    before = connections(stack)
    stack.second.pause()  # or its answer may have reached the client's system, which is as good as taken
    try:
        for _ in range(20):
            opening = RawHttp(stack.second.http_url)
            opening.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            opening.send(head("GET", path(), opening.host))
            opening.socket.close()
    finally:
        stack.second.resume()
    eventually(lambda: connections(stack) == before, SOON_SECONDS, "the sessions to end")


def test_commands_of_two_posts_at_once_are_carried_out_in_the_order_sent(
    stack: Stack, board: Board, client: Polling
) -> None:
    """A leave behind a join that still reads the database must not be overtaken by it."""
    with Polling(stack.second.http_url) as polling:
        polling.let_in(stack.token(OWNER))
        for turn in range(1, 10):
            posts = [RawHttp(client.url) for _ in range(2)]
            for post, (number, verb) in zip(posts, enumerate(("join", "leave")), strict=True):
                packet = f'42{turn}{number}["project:{verb}",{{"projectId":"{board.id}"}}]'
                length = str(len(packet))
                post.send(head("POST", path(polling.sid), post.host, Content_Length=length), packet.encode())
            for post in posts:
                assert post.answer().body == b"ok"
                post.socket.close()
            polling.wait_for_start(f"43{turn}1[")
        acks = [packet for packet in polling.packets if packet.startswith("43")]
        assert [ack[2:4] for ack in acks] == [f"{turn}{n}" for turn in range(1, 10) for n in (0, 1)]
        assert not any('"code"' in ack for ack in acks)
        assert polling.emit("status", {})["rooms"] == []


def test_a_slow_command_keeps_neither_a_pong_nor_the_end_waiting(stack: Stack) -> None:
    with Polling(stack.second.http_url) as polling:
        polling.let_in(stack.token(OWNER))
        before = connections(stack)
        many = [f'42{number}["project:join",{{"projectId":"{number}"}}]' for number in range(60)]
        assert polling.post(*many, "1").text == "ok"
        eventually(lambda: connections(stack) == before - 1, SOON_SECONDS, "the session to end")


def test_json_of_a_whole_log_event_is_that_of_the_log(stack: Stack, board: Board, client: Polling) -> None:
    seq = board.seq
    board.add_task("Ünïcödé ✓ \u2028")
    packet = client.wait_for_start('42["task:')
    assert json.loads(packet[2:]) == ["task:created", board.events(seq)[0]]
