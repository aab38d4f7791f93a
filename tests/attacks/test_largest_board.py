"""Ten guests at once on the largest board that there may be: each has all of it, and memory stays bounded."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from tests.support.boards import Board
from tests.support.people import OWNER
from tests.support.raw_http import Answer, get
from tests.support.stack import Stack
from tests.support.usage import forget_peak, peak_bytes, resident_bytes

GUESTS = 10
TASKS = 5000  # MAX_TASKS_PER_BOARD
CHARACTERS = 1000  # of each, so that all together are MAX_CHARACTERS_PER_BOARD; four bytes each
MOST_GROWTH = 200_000_000  # bytes
MOST_WAIT = 5.0  # seconds that anybody else waits, on a busy machine; docs/performance.md has a quiet one's
# As the services would, which would take minutes; a task's title and description are what it may hold.
FILL = """
from projects.models import Column, Project, Task
project = Project.objects.get(pk={id!r})
column = Column.objects.filter(project=project).first()
text = chr(0x1F4A3) * ({characters} - 10)
made = [Task(project=project, column=column, title=f"Task {{n:05}}", description=text, position=(n + 1) << 20)
        for n in range({tasks})]
Task.objects.bulk_create(made, batch_size=500)
"""


@pytest.fixture
def largest(own_stack: Stack) -> Board:
    board = Board(own_stack.api(OWNER), public=True)
    code = FILL.format(id=board.id, characters=CHARACTERS, tasks=TASKS)
    own_stack.manage("shell", "--verbosity", "0", "-c", code)
    board.owner.patch(f"{board.path}/", {"name": "Filled"})  # what was kept of it is the empty board
    return board


def at_once(ask: Callable[[], Answer], beside: Callable[[], None]) -> list[Answer]:
    """The answers of all guests; `beside` is called until they have come."""
    with ThreadPoolExecutor(GUESTS) as guests:
        asked = [guests.submit(ask) for _ in range(GUESTS)]
        while not all(each.done() for each in asked):
            beside()
        return [each.result() for each in asked]


def test_ten_guests_on_the_largest_board(own_stack: Stack, largest: Board) -> None:
    gateway, member = own_stack.first, own_stack.socket(OWNER)
    member.join(largest.id)
    waits: list[float] = []

    def ping() -> None:
        began = time.monotonic()
        assert member.request("ping", seconds=30)["event"] == "ack"
        waits.append(time.monotonic() - began)

    get(f"{gateway.http_url}/health")
    forget_peak(gateway.process.pid)
    before = resident_bytes(gateway.process.pid)
    for path in (f"/projects/{largest.id}", f"{largest.path}/board/", f"{largest.path}/events/"):
        answers = at_once(lambda path=path: get(gateway.http_url + path, seconds=60), ping)  # type: ignore[misc]
        assert {answer.status for answer in answers} == {200}, path
        if path.endswith("/board/"):
            assert {len(orjson.loads(answer.body)["tasks"]) for answer in answers} == {TASKS}
    grown = peak_bytes(gateway.process.pid) - before
    assert grown < MOST_GROWTH
    assert max(waits) < MOST_WAIT
