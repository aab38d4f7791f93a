"""A socket's queue and its rate: bounded, whatever the other side does or leaves undone."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.connection import QUEUE_FRAMES, Connection, FrameRate, Outbox
from realtime.protocol import CloseCode

TEXT = st.characters(codec="utf-8")  # what JSON may hold: no lone surrogates


def connection(outbox: Outbox | None = None) -> tuple[Connection, list[None]]:
    """A connection, and a list that grows each time its writer is woken."""
    woken: list[None] = []
    made = Connection("c", "127.0.0.1", "", 0.0, wake=lambda: woken.append(None))
    if outbox is not None:
        made.outbox = outbox
    return made, woken


@given(st.lists(st.text(TEXT, max_size=30) | st.none(), max_size=60))
def test_a_queue_gives_back_in_order_what_it_took_and_never_holds_more_than_its_bounds(
    steps: list[str | None],
) -> None:
    """None takes a frame, a text puts one."""
    outbox = Outbox(max_frames=8, max_bytes=100)
    expected: list[str] = []
    for step in steps:
        if step is None:
            assert outbox.take() == (expected.pop(0) if expected else None)
        elif outbox.put(step):
            expected.append(step)
        else:
            assert outbox.full
        assert len(outbox) == len(expected) <= 8
        assert sum(len(text.encode()) for text in expected) < 100 + 4 * 30


def test_a_queue_knows_how_much_of_it_is_free() -> None:
    outbox = Outbox(max_frames=4, max_bytes=1000)
    assert outbox.below(0.25)
    outbox.put("x")
    assert not outbox.below(0.25)
    assert outbox.below(0.5)
    outbox.clear()
    assert outbox.below(0.01)
    outbox.put("x" * 600)
    assert not outbox.below(0.5)


def test_a_queue_is_bounded_in_bytes_and_not_in_characters() -> None:
    outbox = Outbox(max_frames=8, max_bytes=100)
    assert outbox.put("漢" * 34)
    assert outbox.full
    outbox.take()
    assert outbox.below(0.01)
    assert outbox.taken_bytes == 102


def test_who_waits_for_room_is_told_once_and_not_before_half_the_queue_is_free() -> None:
    outbox = Outbox(max_frames=8)
    told: list[str] = []
    outbox.when_roomy(lambda: told.append("at once"))
    assert told == ["at once"]
    for _ in range(6):
        assert outbox.takes_events
        outbox.put("x")
    assert not outbox.takes_events
    outbox.when_roomy(lambda: told.append("later"))
    for left in (5, 4):
        outbox.take()
        assert (len(outbox), told) == (left, ["at once"])
    outbox.take()
    assert told == ["at once", "later"]
    outbox.take()
    assert told == ["at once", "later"]


def test_events_leave_room_for_answers_and_the_largest_gets_through() -> None:
    outbox = Outbox(max_frames=8, max_bytes=100)
    took = []
    for size in (1000, 74, 1):
        took.append(outbox.takes_events)
        outbox.put("x" * size)
        took.append(outbox.takes_events)
        if size == 1000:
            outbox.take()
    assert took == [True, False, True, True, True, False]
    assert outbox.put("an answer")


def test_a_slow_reader_is_closed_and_its_queue_let_go() -> None:
    """Else one sleeping laptop takes the memory of a whole gateway."""
    slow, woken = connection()
    for number in range(QUEUE_FRAMES):
        assert slow.send(f"frame {number}")
    assert not slow.send("one too many")
    assert slow.closing is not None
    assert slow.closing.code == CloseCode.TOO_SLOW
    assert "since" in slow.closing.reason
    assert len(slow.outbox) == 0
    assert len(woken) == QUEUE_FRAMES + 1
    assert not slow.send("after the close")
    assert len(slow.outbox) == 0


def test_large_frames_fill_a_queue_by_their_bytes() -> None:
    slow, _ = connection()
    sent = 0
    while slow.send("x" * 60_000):
        sent += 1
    assert 15 < sent < 20
    assert slow.closing


def test_the_first_reason_to_close_stays() -> None:
    made, woken = connection()
    made.close(CloseCode.IDLE, "first")
    made.close(CloseCode.RESTART, "second")
    assert made.closing
    assert (made.closing.code, made.closing.reason) == (CloseCode.IDLE, "first")
    assert len(woken) == 1


def test_presence_is_dropped_before_events_are() -> None:
    """Under load who-is-here may be late; a change to the board may not."""
    made, _ = connection(Outbox(max_frames=8))
    for _ in range(5):
        made.send_volatile("presence", b"presence")
    assert len(made.outbox) == 2
    assert made.send("event")
    assert made.closing is None


def test_nothing_volatile_is_queued_behind_a_close() -> None:
    made, _ = connection()
    made.close(CloseCode.IDLE, "bye")
    made.send_volatile("presence", b"presence")
    assert len(made.outbox) == 0


def test_frames_within_the_rate_pass_and_the_next_is_told_when_to_come_back() -> None:
    rate = FrameRate()
    assert all(rate.hit(100.0 + n, window=60, most=3).allowed for n in range(3))
    refused = rate.hit(103.0, window=60, most=3)
    assert not refused.allowed
    assert 57_000 <= refused.retry_after_ms <= 57_001
    assert not refused.flooding


def test_twice_the_maximum_is_a_flood() -> None:
    rate = FrameRate()
    verdicts = [rate.hit(5.0, window=1, most=3) for _ in range(6)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 3 + [False] * 3
    assert [verdict.flooding for verdict in verdicts] == [False] * 5 + [True]


def test_a_new_window_starts_from_nothing() -> None:
    rate = FrameRate()
    for _ in range(5):
        rate.hit(0.0, window=1, most=3)
    assert rate.hit(0.999, window=1, most=3).flooding
    assert rate.hit(1.0, window=1, most=3).allowed


@given(st.lists(st.floats(0, 3), max_size=80), st.integers(1, 10))
def test_no_window_lets_more_than_the_maximum_pass(gaps: list[float], most: int) -> None:
    rate, now, passed = FrameRate(), 0.0, []
    for gap in gaps:
        now += gap
        if rate.hit(now, window=5.0, most=most).allowed:
            passed.append(now)
    # Fixed windows: any stretch of one window's length touches two of them at the most.
    for start in passed:
        assert sum(start <= at < start + 5.0 for at in passed) <= 2 * most
