"""Anybody may ask for /metrics, and making them takes the loop's time: nobody can take more than a little."""

from realtime.exposition import MetricsPage

COST = 0.02  # seconds that it takes to make them


class Machine:
    """A clock that stands still but while metrics are made, which it counts."""

    def __init__(self) -> None:
        self.now = 100.0
        self.made = 0
        self.page = MetricsPage(self.make, self.clock, self.clock)

    def clock(self) -> float:
        return self.now

    def make(self) -> bytes:
        self.now += COST
        self.made += 1
        return str(self.made).encode()


def test_whoever_asks_now_and_then_gets_what_is_true_now() -> None:
    machine = Machine()
    for asked in range(1, 200):
        machine.now += 1
        assert machine.page.text() == (str(asked).encode(), None)


def test_whoever_asks_without_end_takes_three_percent_of_the_loop() -> None:
    machine = Machine()
    began = machine.now
    while machine.now < began + 100:
        machine.page.text()
        machine.now += 0.001
    assert machine.made * COST <= 0.03 * 100 + MetricsPage.BURST_SECONDS + COST


def test_what_they_get_is_never_older_than_a_second() -> None:
    machine = Machine()
    made_at: dict[bytes, float] = {}
    for _ in range(20_000):
        machine.now += 0.001
        asked_at = machine.now
        text, age = machine.page.text()
        assert (age is None) == (text not in made_at)
        assert asked_at - made_at.setdefault(text, asked_at) < 1
