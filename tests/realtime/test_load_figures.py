"""What the load and memory tests make of what they see: a wrong figure is a wrong verdict on a gateway."""

import asyncio
import json
import random
from collections import Counter, deque
from itertools import pairwise, permutations
from typing import Any

import jwt
import pytest
from django.core.management import CommandError

from devmentor.loadtesting.address import Address
from devmentor.loadtesting.arrivals import Arrivals
from devmentor.loadtesting.board import Board, Task
from devmentor.loadtesting.histogram import Histogram
from devmentor.loadtesting.http import Answer, Http
from devmentor.loadtesting.ledger import Ledger
from devmentor.loadtesting.load import Plan, Result
from devmentor.loadtesting.login import LogIn
from devmentor.loadtesting.trend import LEAST_VALUES, chance_of, trend
from devmentor.loadtesting.writer import Writer
from devmentor.management.commands import loadtest
from devmentor.management.commands.loadtest import as_json, report

# --- Percentiles ------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99, 1.0])
def test_a_percentile_is_right_within_a_per_cent(share: float) -> None:
    times = [random.Random(7).lognormvariate(-5, 2) for _ in range(1)] + [i / 1000 for i in range(1, 5001)]
    histogram = Histogram()
    for seconds in times:
        histogram.add(seconds)
    true = sorted(times)[max(0, round(share * len(times)) - 1)]
    found = histogram.percentile(share)
    assert found is not None
    assert true * 0.999 <= found <= true * 1.011


def test_no_duration_is_beyond_the_scale() -> None:
    histogram = Histogram()
    assert histogram.percentile(0.5) is None
    for seconds in (0.0, -1e-9, 1e-9, 1e9):
        histogram.add(seconds)
    assert histogram.percentile(1) is not None
    assert histogram.most == 1e9


# --- What a client has heard ------------------------------------------------------------------------


def heard(*seqs: int, joined_at: int = 0, head: int | None = None) -> tuple[int, int, int]:
    """missed, heard twice, out of order."""
    ledger = Ledger()
    ledger.join(joined_at)
    for seq in seqs:
        ledger.take(seq)
    ledger.close(max(seqs, default=joined_at) if head is None else head)
    return ledger.missed, ledger.doubled, ledger.late


def test_each_loss_is_of_one_kind() -> None:
    assert heard(1, 2, 3) == (0, 0, 0)
    assert heard(8, 9, joined_at=7) == (0, 0, 0)
    assert heard(1, 3, 4) == (1, 0, 0)
    assert heard(1, 5) == (3, 0, 0)
    assert heard(1, 2, 2, 3) == (0, 1, 0)
    assert heard(1, 1, 1) == (0, 2, 0)
    assert heard(1, 3, 2, 4) == (0, 0, 1)
    assert heard(1, 3, 2, 2, 4) == (0, 1, 1)
    assert heard(1, 4, 3) == (1, 0, 1)
    assert heard(1, 2, head=5) == (3, 0, 0)
    assert heard(head=5, joined_at=5) == (0, 0, 0)


def test_every_order_of_a_few_events_is_accounted_for() -> None:
    for order in permutations(range(1, 6)):
        missed, doubled, late = heard(*order)
        assert (missed, doubled) == (0, 0), order
        assert (late == 0) == (order == (1, 2, 3, 4, 5))


def test_whoever_comes_back_after_the_log_was_trimmed_has_missed_what_lay_between() -> None:
    ledger = Ledger()
    ledger.join(3)
    ledger.cut_off()
    ledger.join(10)
    assert ledger.take(11)
    assert (ledger.seq, ledger.losses, str(ledger)) == (11, 7, "7 missed")


# --- Whose time it was ------------------------------------------------------------------------------


def test_time_in_which_others_were_served_here_is_the_commands_own() -> None:
    """Else the gateway is blamed for a machine that plays too many clients."""

    async def play() -> Arrivals:
        arrivals = Arrivals(clients=2)
        arrivals.expect("k").sent_at = asyncio.get_running_loop().time()
        arrivals.arrived("k")
        busy = asyncio.get_running_loop().time() + 0.05
        while asyncio.get_running_loop().time() < busy:
            pass
        arrivals.arrived("k")  # in the same turn of the loop
        await asyncio.sleep(0.02)  # it rests
        arrivals.expect("l").sent_at = asyncio.get_running_loop().time()
        arrivals.arrived("l")
        return arrivals

    own = asyncio.run(play()).own
    assert own.most >= 0.05
    middle = own.percentile(0.5)
    assert middle is not None
    assert middle < 0.01


def test_an_answered_write_that_nobody_hears_of_is_a_loss() -> None:
    arrivals = Arrivals(clients=2)
    arrivals.expect("unanswered")
    arrivals.expect("lost").answered = True
    assert arrivals.unheard == 1


def result_of(own: float = 0, latency: float = 0.01, writes: int = 20, head: int | None = 1) -> Result:
    arrivals = Arrivals(1)
    arrivals.latency.add(latency)
    arrivals.own.add(own)
    writer = Writer(Board(Http(Address("localhost", 1)), "b"), arrivals)
    writer.answered = writes
    return Result(Plan(1, 2, 10), head, 2.0, 0.5, False, arrivals, writer, [], Counter(), {"one"})


def test_a_command_that_was_the_bottleneck_says_so() -> None:
    says = "This command was itself the bottleneck"
    slow, fine = result_of(own=0.006, latency=0.01), result_of(own=0.001, latency=0.01)
    assert any(says in line for line in report(slow, "here"))
    assert not any(says in line for line in report(fine, "here"))
    assert (as_json(slow)["bottleneck"], as_json(fine)["bottleneck"]) == (True, False)


def test_a_rate_that_was_not_kept_up_is_told() -> None:
    assert "Only 5.0 writes a second were answered." in report(result_of(writes=10), "here")
    assert not any("Only" in line for line in report(result_of(), "here"))


def test_where_the_log_cannot_be_read_in_the_end_that_is_no_success() -> None:
    loadtest.judge(result_of())
    with pytest.raises(CommandError, match="the gateway no longer answers: whether every client"):
        loadtest.judge(result_of(head=None))


# --- Writes -----------------------------------------------------------------------------------------


class Answers(Http):
    """A gateway that answers with these statuses, one after the other; None: the connection breaks."""

    def __init__(self, *statuses: int | None) -> None:
        super().__init__(Address("localhost", 1))
        self.statuses = deque(statuses)
        self.keys: list[str | None] = []

    async def ask(self, *args: Any, key: str | None = None, **options: Any) -> Answer:
        self.keys.append(key)
        answer, status = Answer(), self.statuses.popleft()
        if status is None:
            raise ConnectionResetError("gone")
        answer.status, answer.headers = status, {"retry-after": "0"}
        return answer


def written(*statuses: int | None) -> tuple[Writer, list[str | None]]:
    async def write() -> tuple[Writer, list[str | None]]:
        http = Answers(*statuses)
        board = Board(http, "b")
        board.tasks.put_nowait(Task("t", deque(["a", "b"])))
        writer = Writer(board, Arrivals(1))
        await writer.write(1, 1000, asyncio.Event())
        return writer, http.keys

    return asyncio.run(write())


def test_a_write_whose_fate_is_unknown_is_sent_again_under_its_key() -> None:
    writer, keys = written(503, None, 429, 200)
    assert (writer.answered, writer.failed, writer.repeated) == (1, 0, 3)
    assert len(set(keys)) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_write_that_is_refused_has_failed(status: int) -> None:
    writer, keys = written(status)
    assert (writer.answered, writer.failed, len(keys)) == (0, 1, 1)
    assert writer.failures == [f"PATCH /api/tasks/t/: {status}"]


def test_no_write_leaves_a_task_as_it_was() -> None:
    """A move to where it stands already is no event, and would pass for a lost one."""
    task = Task("t", deque(["a", "b", "c"]))
    bodies = [task.next_write()[2] for _ in range(12)]
    titles = [body["title"] for body in bodies if "title" in body]
    columns = ["a", *(body["column"] for body in bodies if "column" in body)]
    assert len(set(titles)) == len(titles) == 6
    assert all(before != after for before, after in pairwise(columns))
    alone = Task("t", deque(["a"]))
    assert all("title" in alone.next_write()[2] for _ in range(4))


class Tokens(Http):
    """Gives out tokens that live for a moment; refresh tokens hold `refreshed` times."""

    def __init__(self, refreshed: int = 9) -> None:
        super().__init__(Address("localhost", 1))
        self.asked: list[str] = []
        self.refreshed = refreshed

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        self.asked.append(path)
        answer, claims = Answer(), {"iat": 0, "exp": 0.03, "n": len(self.asked)}
        access = jwt.encode(claims, "k" * 32, algorithm="HS256")
        answer.status, answer.body = 200, bytearray(json.dumps({"access": access, "refresh": "r"}).encode())
        if path.endswith("/refresh/"):
            self.refreshed -= 1
            answer.status = 200 if self.refreshed >= 0 else 401
        return answer


LOG_IN, REFRESH = "/api/auth/token/", "/api/auth/token/refresh/"


@pytest.mark.parametrize(
    "refreshed, asked", [(9, [LOG_IN, REFRESH, REFRESH]), (0, [LOG_IN, REFRESH, LOG_IN])]
)
def test_a_log_in_is_renewed_before_it_runs_out(refreshed: int, asked: list[str]) -> None:
    """Else every client of a long run is closed with 4401 at the same moment, again and again.

    A request whose answer was lost may have used the refresh token up.
    """

    async def play() -> Tokens:
        http, tokens, enough = Tokens(refreshed), set[str | None](), asyncio.Event()

        async def renewed() -> None:
            tokens.add(http.token)
            if len(tokens) == 2:
                enough.set()

        login = LogIn(http)
        await login.begin("ada", "secret")
        keeping = asyncio.create_task(login.keep_up(renewed))
        await asyncio.wait_for(enough.wait(), 5)
        keeping.cancel()
        return http

    assert asyncio.run(play()).asked[:3] == asked


# --- Growth -----------------------------------------------------------------------------------------


def test_chances_are_those_of_all_orders() -> None:
    def rising(order: tuple[int, ...]) -> int:
        return sum(1 if b > a else -1 for i, a in enumerate(order) for b in order[i + 1 :])

    found = [rising(order) for order in permutations(range(5))]
    for least in set(found):
        assert chance_of(least, 5) == pytest.approx(sum(each >= least for each in found) / len(found))


def test_a_steady_rise_is_growth_and_neither_noise_nor_one_step_is() -> None:
    noise = random.Random(11)
    level = [noise.uniform(0, 300) for _ in range(10)]
    assert not trend(level, 100).is_growing
    assert not trend([each + (5000 if place > 4 else 0) for place, each in enumerate(level)], 300).is_growing
    assert not trend([each + 90 * place for place, each in enumerate(level)], 100).is_growing
    leak = trend([each + 500 * place for place, each in enumerate(level)], 100)
    assert leak.is_growing
    assert leak.slope == pytest.approx(500, abs=60)


def test_what_an_allocator_hides_for_a_few_waves_shows_after_more() -> None:
    """It takes memory in pieces: a leak of half a piece a wave is a stair."""
    stairs = [place // 2 * 1024 for place in range(20)]
    assert not trend(stairs[:7], 200).is_growing
    assert trend(stairs, 200).is_growing


def test_as_few_waves_as_may_be_asked_for_can_show_growth() -> None:
    assert trend(range(LEAST_VALUES), 0).is_growing
    assert not trend(range(LEAST_VALUES - 1), 0).is_growing


# --- Addresses --------------------------------------------------------------------------------------


def test_an_address_may_be_given_as_for_a_socket_or_as_for_a_page() -> None:
    read = Address.read
    assert (read("http://h").http, read("http://h").socket) == ("http://h:80", "ws://h:80/ws")
    assert (read("wss://h/ws").http, read("wss://h/ws").socket) == ("https://h:443", "wss://h:443/ws")
    assert read("ws://h:8002/").socket == "ws://h:8002/"
    assert read("ws://[::1]:8002").http == "http://[::1]:8002"
    for wrong in (
        "h:80",
        "ftp://h",
        "http://",
        "http://h/boards",
        "http://u@h",
        "http://h?x",
        "http://h:0x1",
    ):
        with pytest.raises(ValueError, match="expected ws://"):
            read(wrong)
