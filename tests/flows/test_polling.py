"""A client without a socket: the same events by polling and long polling, from any gateway."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.api import Api, answered, bearer
from tests.support.boards import Board
from tests.support.metrics import read_metric
from tests.support.people import EDITOR, OUTSIDER, OWNER, VIEWER
from tests.support.processes import eventually
from tests.support.stack import Stack


def poll(api: Api, board: Board, **params: Any) -> httpx.Response:
    return api.get(f"{board.path}/events/", params=params)


def page(api: Api, board: Board, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = answered(poll(api, board, **params), 200)
    return found


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def waiting(stack: Stack) -> float:
    """Long polls that the second gateway holds."""
    return read_metric(stack.second.http_url, "polling_waiting_requests")


def test_a_page_has_the_contracts_keys(stack: Stack, board: Board) -> None:
    answer = poll(stack.api(VIEWER), board)
    found = answered(answer, 200)
    assert list(found) == ["seq", "events", "more", "pollAfterMs"]
    assert (found["seq"], found["more"]) == (board.seq, False)
    assert [event["seq"] for event in found["events"]] == list(range(1, board.seq + 1))
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["retry-after"]) * 1000 >= found["pollAfterMs"] > 0


def test_reading_on_from_each_page_gives_everything_once(stack: Stack, board: Board) -> None:
    for number in range(7):
        board.add_task(f"Task {number}")
    reader, cursor, seqs = stack.api(VIEWER, stack.second), 0, []
    while True:
        found = page(reader, board, since=cursor, limit=3)
        assert len(found["events"]) <= 3
        seqs += [event["seq"] for event in found["events"]]
        cursor = found["seq"]
        if not found["more"]:
            break
        assert found["pollAfterMs"] == 0
    assert seqs == list(range(1, board.seq + 1))
    assert cursor == board.seq


def test_who_is_level_gets_an_empty_page_and_its_cursor_back(stack: Stack, board: Board) -> None:
    found = page(stack.api(VIEWER), board, since=board.seq)
    assert (found["seq"], found["events"], found["more"]) == (board.seq, [], False)


def test_a_tag_saves_the_same_answer(stack: Stack, board: Board) -> None:
    reader = stack.api(VIEWER)
    first = poll(reader, board, since=board.seq)
    same = reader.get(
        f"{board.path}/events/", params={"since": board.seq}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert int(same.headers["retry-after"]) > 0
    assert "content-length" not in same.headers  # 0 would be said of the page
    since = board.seq
    board.add_task()
    changed = reader.get(
        f"{board.path}/events/", params={"since": since}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert [event["seq"] for event in answered(changed, 200)["events"]] == [since + 1]


def test_a_tag_never_hides_events_from_who_asks_for_them(stack: Stack, board: Board) -> None:
    """A browser's cache sends the tag of another cursor's answer along."""
    reader = stack.api(VIEWER)
    tag = poll(reader, board, since=0).headers["etag"]
    again = reader.get(f"{board.path}/events/", params={"since": 0}, headers={"If-None-Match": tag})
    assert again.status_code in (200, 304)
    later = reader.get(f"{board.path}/events/", params={"since": 1}, headers={"If-None-Match": tag})
    assert len(answered(later, 200)["events"]) == board.seq - 1


def test_polls_and_sockets_carry_the_same_objects(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    head = socket.join(board.id)["seq"]
    task = board.add_task("É — same bytes", labels=["a"])
    answered(board.owner.patch(f"/api/tasks/{task['id']}/", {"title": "Other"}), 200)
    answered(board.owner.delete(f"/api/tasks/{task['id']}/"), 204)
    sent: list[str] = []
    while len(sent) < 3:
        text = str(socket.connection.recv(timeout=5))
        if '"seq"' in text and json.loads(text).get("seq", 0) > head:
            sent.append(text)
    body = poll(stack.api(EDITOR, stack.first), board, since=head).text
    assert f'"events":[{",".join(sent)}]' in body


# --- Long polling -----------------------------------------------------------------------------------


def test_a_poll_is_held_until_a_write_on_the_other_gateway(stack: Stack, board: Board) -> None:
    head, reader, before = board.seq, stack.api(VIEWER, stack.second), waiting(stack)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(poll, reader, board, since=head, wait=20_000)
        eventually(lambda: waiting(stack) > before, what="the poll to be held")
        assert not held.done()
        began = time.monotonic()
        board.add_task("Wakes the poller")
        found = answered(held.result(timeout=10), 200)
    assert time.monotonic() - began < 2
    assert [event["seq"] for event in found["events"]] == [head + 1]


def test_a_poll_that_nothing_wakes_is_answered_when_its_time_is_up(stack: Stack, board: Board) -> None:
    began = time.monotonic()
    found = page(stack.api(VIEWER), board, since=board.seq, wait=400)
    assert found["events"] == []
    assert 0.4 <= time.monotonic() - began < 3


def test_a_poll_with_news_is_not_held(stack: Stack, board: Board) -> None:
    began = time.monotonic()
    assert page(stack.api(VIEWER), board, since=0, wait=20_000)["events"]
    assert time.monotonic() - began < 5


def test_a_hundred_waiting_pollers_hold_no_thread_and_keep_nobody_waiting(stack: Stack, board: Board) -> None:
    """With a thread each, a thousand would end the gateway."""
    pid, head = stack.second.process.pid, board.seq
    limits = httpx.Limits(max_connections=None)
    readers = [bearer(stack.token(person)) for person in (OWNER, EDITOR, VIEWER)]  # no user holds them all
    url = f"{stack.second.http_url}{board.path}/events/"
    page(stack.api(VIEWER, stack.second), board)
    before, held_before = threads(pid), waiting(stack)
    asked = {"since": head, "wait": 20_000}
    with httpx.Client(timeout=40, limits=limits) as client, ThreadPoolExecutor(100) as pool:
        held = [pool.submit(client.get, url, params=asked, headers=readers[n % 3]) for n in range(100)]
        eventually(lambda: waiting(stack) >= held_before + 100, seconds=20, what="a hundred polls to be held")
        assert answered(stack.api(EDITOR, stack.second).get(f"{board.path}/board/"), 200)["seq"] == head
        assert threads(pid) <= before + 12  # the pools of Django and of the gateway, at their most
        assert not any(poller.done() for poller in held)
        board.add_task("Wakes them all")
        for poller in held:
            assert [event["seq"] for event in answered(poller.result(timeout=20), 200)["events"]] == [
                head + 1
            ]


def test_who_loses_the_right_while_waiting_gets_nothing(stack: Stack, board: Board) -> None:
    members = answered(board.owner.get(f"{board.path}/members/"), 200)["results"]
    viewer = next(m["id"] for m in members if m["user"]["username"] == VIEWER.username)
    head, reader, before = board.seq, stack.api(VIEWER, stack.second), waiting(stack)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(poll, reader, board, since=head, wait=20_000)
        eventually(lambda: waiting(stack) > before, what="the poll to be held")
        answered(board.owner.delete(f"/api/members/{viewer}/"), 204)
        assert answered(held.result(timeout=10), 404)["code"] == "not-found"


# --- What cannot be answered ------------------------------------------------------------------------


def test_a_cursor_beyond_the_head_is_told_to_load_the_board_again(stack: Stack, board: Board) -> None:
    """A database restored from a copy: the client knows of events that never were."""
    for since in (board.seq + 1, 2**63 - 1):
        answer = poll(stack.api(VIEWER), board, since=since)
        assert answered(answer, 410)["code"] == "history-trimmed"
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_private_project_and_no_project_are_the_same_404(stack: Stack, board: Board) -> None:
    refused = poll(stack.api(OUTSIDER), board)
    unknown = stack.api(OUTSIDER).get(f"/api/projects/{uuid4()}/events/")
    guest = poll(stack.api(None), board)
    assert answered(refused, 404) == answered(unknown, 404) == answered(guest, 404)
    assert refused.json()["code"] == "not-found"


def test_a_guest_polls_what_is_public(stack: Stack) -> None:
    public = Board(stack.api(OWNER), public=True)
    assert len(page(stack.api(None), public)["events"]) == public.seq


@pytest.mark.parametrize("query", ["since=-1", "since=x", "limit=0", "limit=1001", "wait=30001", "cursor=1"])
def test_a_bad_parameter_is_a_problem_by_its_name(stack: Stack, board: Board, query: str) -> None:
    answer = stack.api(VIEWER).get(f"{board.path}/events/?{query}")
    found = answered(answer, 400)
    assert (found["code"], list(found["errors"])) == ("bad-request", [query.partition("=")[0]])
    assert answer.headers["content-type"] == "application/problem+json"


def test_events_are_only_read(stack: Stack, board: Board) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = httpx.request(method, f"{stack.first.http_url}{board.path}/events/", timeout=10)
        assert answered(answer, 405)["code"] == "method-not-allowed"
        assert "GET" in answer.headers["allow"]


def test_a_page_of_a_listed_origin_may_read_and_another_may_not(stack: Stack, board: Board) -> None:
    reader = stack.api(VIEWER)
    listed = reader.get(f"{board.path}/events/", headers={"Origin": stack.first.web_url})
    assert listed.headers["access-control-allow-origin"] == stack.first.web_url
    assert listed.headers["access-control-allow-credentials"] == "true"
    other = reader.get(f"{board.path}/events/", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    asked = {"Origin": stack.first.web_url, "Access-Control-Request-Method": "GET"}
    preflight = httpx.options(f"{stack.first.http_url}{board.path}/events/", headers=asked, timeout=10)
    assert preflight.headers["access-control-allow-origin"] == stack.first.web_url
