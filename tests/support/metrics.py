"""What a gateway tells Prometheus."""

import re

from tests.support.processes import eventually
from tests.support.raw_http import get

SERIES = re.compile(r"^([a-z_:]\w*(?:\{.*\})?) (\S+)$", re.MULTILINE)


def read_metrics(url: str) -> dict[str, float]:
    """The value of each series, by its name and labels as written, made after this was called.

    Asked in quick succession, a gateway answers with those it made last (an answer with Age): here they are
    asked for again, since a test compares them with what it has just done.
    """

    def made_now() -> str:
        # Whoever reaches the port of a worker that is being started again waits for it.
        answer = get(f"{url}/metrics", seconds=30)
        assert answer.status == 200, answer
        return "" if "age" in answer.headers else answer.body.decode()

    text = eventually(made_now, seconds=20, what="metrics that are made anew")
    return {series: float(value) for series, value in SERIES.findall(text)}


def read_metric(url: str, name: str) -> float:
    """The value of a series, or the sum of all series of that name; 0 where there is none."""
    found = read_metrics(url)
    return sum(value for series, value in found.items() if series == name or series.startswith(f"{name}{{"))
