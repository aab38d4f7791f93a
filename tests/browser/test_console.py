"""The browser console, as the runbook uses it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.hands import ON_ONE_GATEWAY, expect_badge, expect_cards, status
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.processes import eventually

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]


def test_the_service_answers_an_operator(board: Board, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.open_board(board.id)
    first = status(visitor)
    assert set(first) == {
        *("mode", "connected", "transport", "rooms"),
        *("lastSeq", "latencyMs", "reconnectAttempts"),
    }
    assert first["mode"] == "live"
    assert first["connected"] is True
    assert first["transport"] == "websocket"
    assert first["rooms"] == [board.id]
    assert first["lastSeq"] == board.seq
    assert first["reconnectAttempts"] == 0
    eventually(lambda: isinstance(status(visitor)["latencyMs"], int), what="a latency")
    page.evaluate("websocketService.disconnect()")
    expect_badge(visitor, "Offline")
    gone = {
        "mode": "offline",
        "connected": False,
        "transport": None,
        "rooms": [],
        "lastSeq": first["lastSeq"],
    }
    assert {name: status(visitor)[name] for name in gone} == gone
    board.add_task("While disconnected")
    page.evaluate("websocketService.connect()")
    expect_badge(visitor, "Live")
    expect_cards(visitor, board.columns["To do"], "While disconnected")


def test_rooms_are_left_and_joined_and_events_heard(board: Board, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.open_board(board.id)
    page.evaluate("id => { websocketService.leaveProject(id); window.heard = []; }", board.id)
    assert status(visitor)["rooms"] == []
    board.add_task("Unseen")
    page.evaluate("() => { window.hear = (event) => window.heard.push(event.data.title) }")
    page.evaluate("websocketService.on('task:created', window.hear)")
    page.evaluate("id => websocketService.joinProject(id)", board.id)
    expect_cards(visitor, board.columns["To do"], "Unseen")
    assert page.evaluate("window.heard") == ["Unseen"]
    page.evaluate("websocketService.off('task:created', window.hear)")
    board.add_task("Not heard")
    expect_cards(visitor, board.columns["To do"], "Unseen", "Not heard")
    assert page.evaluate("window.heard") == ["Unseen"]


@pytest.mark.parametrize("setting", ["devmentor:*", "socket.io-client:*"])
def test_a_setting_turns_the_logs_on(board: Board, visit: Callable[..., Visitor], setting: str) -> None:
    visitor = visit()
    page = visitor.open_board(board.id)
    assert visitor.console == []
    page.evaluate("setting => (localStorage.DEBUG = setting)", setting)
    task = board.add_task("Logged")
    expect(visitor.task(task["id"])).to_be_visible()
    assert f"log: devmentor:event task:created {board.seq}" in visitor.console
