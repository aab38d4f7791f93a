"""Quotas: nobody fills the log by themselves, and whoever is refused reads when to go on."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import quotas, services
from projects.errors import DomainError, RateLimited
from projects.models import Task
from realtime import metrics, refusals
from realtime.quotas import MINUTE, AtOnce, Quota
from realtime.rare_log import RareLog
from tests.projects.conftest import Board, Client


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Callable[..., None]:
    """`allow(WRITES=3)`: so much in a minute, by the test's clock."""

    def set_quotas(**most: int) -> None:
        for name, allowed in most.items():
            setting = getattr(quotas, name).setting
            monkeypatch.setattr(quotas, name, Quota(setting, allowed, MINUTE, clock))

    return set_quotas


def add_task(client: Client, board: Board, **headers: str) -> Any:
    return client.post(f"{board.path}/tasks/", {"title": "T"}, **headers)


def describe(client: Client, board: Board, text: str) -> Any:
    return client.patch(f"/api/tasks/{board.tasks[0].pk}/", {"description": text})


def test_so_many_changes_of_a_user_are_under_way_at_a_time(monkeypatch, owner, editor, board, people):
    monkeypatch.setattr(quotas, "AT_ONCE", AtOnce("WRITES_AT_ONCE", 1))
    with quotas.one_of_few(people["owner"]):
        refused = add_task(owner, board)
        assert (refused.status_code, refused.data["code"]) == (429, "rate-limited")
        assert (refused["Retry-After"], refused.data["limit"]) == ("1", "at-once")
        assert add_task(editor, board).status_code == 201
    assert add_task(owner, board).status_code == 201


def test_a_user_makes_so_many_changes_a_minute_and_then_waits(allow, clock, owner, editor, board):
    allow(WRITES=3)
    assert [add_task(owner, board).status_code for _ in range(4)] == [201, 201, 201, 429]
    refused = owner.post("/api/projects/", {"name": "P"})
    assert (refused.status_code, refused.data["code"]) == (429, "rate-limited")
    assert "3 changes a minute (WRITES_PER_MINUTE)" in refused.data["detail"]
    assert (refused["Retry-After"], refused.data["limit"]) == ("20", "changes")
    assert Task.objects.filter(project=board.id).count() == 6, "a refused change is none"
    assert add_task(editor, board).status_code == 201, "each user has a quota of their own"
    assert owner.get(f"{board.path}/board/").status_code == 200, "reading is no change"
    clock.now = 20.0
    assert [add_task(owner, board).status_code for _ in range(2)] == [201, 429]


def test_a_new_board_is_one_change_however_many_columns_it_has(allow, owner, people):
    allow(WRITES=2)
    body = {"name": "P", "columns": [f"C{number}" for number in range(50)]}
    assert [owner.post("/api/projects/", body).status_code for _ in range(3)] == [201, 201, 429]


def test_a_repeat_under_its_key_is_answered_beyond_the_quota_and_a_refusal_uses_no_key_up(
    allow, clock, owner, board
):
    allow(WRITES=1)
    first, again = (add_task(owner, board, Idempotency_Key="one") for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert add_task(owner, board, Idempotency_Key="two").status_code == 429
    clock.now = 60.0
    assert add_task(owner, board, Idempotency_Key="two").status_code == 201


def test_a_small_change_of_a_large_task_counts_with_all_its_bytes(allow, clock, owner, editor, board):
    """Each holds the whole task: 14 bytes sent were 80 kB of log, kept for 90 days."""
    describe(owner, board, "x" * 20_000)
    allow(LOG_BYTES=50_000)
    path = f"/api/tasks/{board.tasks[0].pk}/"
    answers = [owner.patch(path, {"title": f"Title {number}"}) for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].data["code"] == "rate-limited"
    assert "50,000 bytes of the log an hour (LOG_BYTES_PER_HOUR)" in answers[-1].data["detail"]
    assert editor.patch(path, {"title": "Another"}).status_code == 200
    wait = int(answers[-1]["Retry-After"])
    clock.now = float(wait)
    assert owner.patch(path, {"title": "Again"}).status_code == 200


def test_answers_that_are_kept_for_their_keys_count_too(allow, editor, board):
    """A change of nothing is no event, and its answer holds the whole task, for a week."""
    describe(editor, board, "x" * 10_000)
    allow(LOG_BYTES=15_000)
    path, title = f"/api/tasks/{board.tasks[0].pk}/", {"title": board.tasks[0].title}
    answers = [editor.patch(path, title, Idempotency_Key=f"key-{number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_bytes_are_those_of_the_wire(allow, owner, board):
    allow(LOG_BYTES=30_000)
    assert describe(owner, board, "🎉" * 10_000).status_code == 200
    refused = describe(owner, board, "")
    assert (refused.status_code, refused.data["limit"]) == (429, "bytes")


def test_names_that_nobody_has_can_be_tried_so_often_and_no_more(allow, clock, owner, board):
    """Else whoever makes a board can find out who exists."""
    allow(UNKNOWN_NAMES=2)

    def name(username: str) -> Any:
        return owner.post(f"{board.path}/members/", {"username": username, "role": "viewer"})

    assert [name(f"nobody{number}").status_code for number in range(3)] == [400, 400, 429]
    assert name("nobody").data["limit"] == "names"
    refused = name("outsider")
    assert (refused.status_code, refused.data["code"]) == (429, "rate-limited"), "nor does a hit tell"
    assert "(UNKNOWN_NAMES_PER_HOUR)" in refused.data["detail"]
    clock.now = float(refused["Retry-After"])
    assert name("outsider").status_code == 201, "who is there costs nothing"


def test_only_an_owner_learns_by_it_whether_a_name_is_there(allow, editor, board):
    for username in ("nobody", "outsider"):
        body = {"username": username, "role": "viewer"}
        assert editor.post(f"{board.path}/members/", body).status_code == 403


@pytest.mark.parametrize("name", ["WRITES", "LOG_BYTES", "UNKNOWN_NAMES"])
def test_0_is_no_limit(name, allow, owner, board):
    allow(**{name: 0})
    for number in range(10):
        assert add_task(owner, board).status_code == 201
        body = {"username": f"nobody{number}", "role": "viewer"}
        assert owner.post(f"{board.path}/members/", body).status_code == 400


def test_what_operators_do_in_the_admin_is_not_counted(allow, board):
    allow(WRITES=1, LOG_BYTES=1)
    for number in range(3):
        services.project_update(actor=board.owner, project_id=board.id, name=f"Board {number}", operator=True)
    assert add_task(Client(board.owner), board).status_code == 201


def test_operators_read_which_quota_is_used_up(allow, owner, board, monkeypatch, caplog):
    monkeypatch.setattr(refusals, "_log", RareLog(refusals.logger, 60.0))
    allow(WRITES=1)
    counted = metrics.LIMIT_REFUSALS.labels("WRITES_PER_MINUTE")
    before = counted._value.get()
    assert [add_task(owner, board).status_code for _ in range(3)] == [201, 429, 429]
    lines = [text for text in caplog.messages if "refused" in text]
    assert lines == [f"refused: a change by user '{board.owner.pk}': WRITES_PER_MINUTE is reached"]
    assert counted._value.get() == before + 2


def test_a_page_that_makes_a_board_says_why_it_does_not(allow, client, people):
    allow(WRITES=1)
    client.force_login(people["owner"])
    assert client.post("/projects", {"name": "One"}).status_code == 302
    page = client.post("/projects", {"name": "Two"})
    assert page.status_code == 429
    assert "(WRITES_PER_MINUTE)" in page.content.decode()
    assert page["Retry-After"] == "60"


@given(most=st.integers(1, 1000), amounts=st.lists(st.integers(1, 5000), min_size=1, max_size=20))
def test_nobody_has_more_in_the_long_run_than_the_quota_gives(most: int, amounts: list[int]) -> None:
    """One may take more than is left, and then waits for it."""
    clock = Clock()
    quota, taken = Quota("LOG_BYTES_PER_HOUR", most, MINUTE, clock), 0
    for amount in amounts:
        wait = quota.refused("a")
        if wait is not None:
            clock.now += wait + 1e-6
            assert quota.refused("a") is None
        quota.spend("a", amount)
        taken += amount
    assert taken <= most + clock.now * most / MINUTE + max(amounts)


def test_a_debt_is_not_forgotten_for_the_sake_of_others() -> None:
    clock = Clock()
    quota = Quota("LOG_BYTES_PER_HOUR", 10, MINUTE, clock)
    quota.spend("a", 100)
    clock.now = 2 * MINUTE
    for number in range(100):
        quota.spend(str(number))
    assert quota.refused("a") is not None


def test_the_domain_knows_its_refusal(allow, board):
    allow(WRITES=1)
    board.add_task("One")
    with pytest.raises(RateLimited) as refused:
        board.add_task("Two")
    assert isinstance(refused.value, DomainError)
    assert refused.value.retry_after == 60
