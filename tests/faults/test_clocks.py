"""Nobody's clock decides anything: not who was first, not what is fresh, not whether a line is alive."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.hands import Mouse, column, expect_badge, expect_cards, lower_part
from tests.faults.trial import Line
from tests.support.boards import Board
from tests.support.browser import Windows
from tests.support.people import EDITOR, OWNER
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.chaos]

OFF = timedelta(minutes=10)


@pytest.mark.parametrize("stack", ["distributed"], indirect=True)
def test_two_clocks_ten_minutes_off(stack: Stack, board: Board, windows: Windows, lines: list[Line]) -> None:
    """Two people's clocks are wrong"""
    line = Line("Two people's clocks are wrong", "Chromium with a clock 10 min behind, another 10 min ahead")
    lines.append(line)
    task = board.add_task("Whenever")
    late, early = windows.open(stack, OWNER), windows.open(stack, EDITOR)
    late.context.clock.install(time=datetime.now(UTC) - OFF)
    early.context.clock.install(time=datetime.now(UTC) + OFF)
    for visitor in (late, early):
        visitor.open_board(board.id, "Live")
    for mover, name in ((late, "Done"), (early, "In progress"), (late, "To do")):
        Mouse(mover.page).drag(mover.task(task["id"]), lower_part(column(mover, board.columns[name])))
        line.writes += 1
        for visitor in (late, early):
            expect_cards(visitor, board.columns[name], "Whenever")
    for visitor in (late, early):
        expect_badge(visitor, "Live")
    apart = late.page.evaluate("Date.now()") - early.page.evaluate("Date.now()")
    line.traces["seconds apart"] = round(abs(apart) / 1000)
    assert abs(apart) > 19 * 60 * 1000, "the clocks were not wrong: that proves nothing"
    line.events, line.passed = board.seq, True
