"""Lists: `{results, next}`, in pages that neither skip nor repeat."""

import base64

import pytest

from projects import limits, services
from projects.api import pagination
from tests.projects.conftest import Client


def pages(client: Client, path: str) -> list[list[dict]]:
    """All pages from the first on, by following `next`."""
    found = []
    address = path
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.data
        found.append(answer.data["results"])
        address = answer.data["next"]
    return found


def test_following_next_gives_every_row_once_and_in_order(owner, board):
    for number in range(4):
        board.add_task(f"More {number}")
    found = pages(owner, f"{board.path}/tasks/?limit=3")
    assert [len(page) for page in found] == [3, 3, 1]
    titles = [task["title"] for page in found for task in page]
    assert titles == ["Task 0", "Task 1", "Task 2", "More 0", "More 1", "More 2", "More 3"]


def test_every_list_has_pages(owner, board):
    task = board.tasks[0]
    for _ in range(2):
        services.comment_create(actor=board.owner, task_id=task.pk, text="Hello")
        services.project_create(actor=board.owner, name="Another, of the same name")
    for path, count in (
        ("/api/projects/", 3),
        (f"{board.path}/members/", 3),
        (f"{board.path}/columns/", 3),
        (f"{board.path}/tasks/", 3),
        (f"/api/tasks/{task.pk}/comments/", 2),
    ):
        whole = owner.get(path).data
        assert whole["next"] is None
        assert len(whole["results"]) == count
        one_by_one = pages(owner, f"{path}?limit=1")
        assert [page[0] for page in one_by_one] == whole["results"], path


@pytest.mark.parametrize("at_once", [1, 2, 100])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 7, 8, 500])
def test_however_many_rows_are_read_at_once_each_comes_once(limit, at_once, owner, board, monkeypatch):
    monkeypatch.setattr(pagination, "READ_AT_ONCE", at_once)
    for number in range(4):
        board.add_task(f"More {number}")
    found = pages(owner, f"{board.path}/tasks/?limit={limit}")
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    titles = [task["title"] for page in found for task in page]
    assert titles == ["Task 0", "Task 1", "Task 2", "More 0", "More 1", "More 2", "More 3"]


def test_a_page_ends_at_bytes_too(owner, board):
    """Five hundred tasks with all the text that they may have would be 40 MB."""
    large = "\N{BOMB}" * limits.DESCRIPTION
    for number in range(30):
        board.add_task(f"Large {number}", description=large)
    path, sizes, seen = f"{board.path}/tasks/?limit=500", [], []
    while path:
        answer = owner.get(path)
        sizes.append(len(answer.content))
        seen += [task["title"] for task in answer.data["results"]]
        path = answer.data["next"]
    assert seen == [*(f"Task {number}" for number in range(3)), *(f"Large {number}" for number in range(30))]
    assert max(sizes) < pagination.PAGE_BYTES + 5 * limits.DESCRIPTION
    assert len(sizes) == 3


def test_next_is_a_whole_address(owner, board):
    answer = owner.get(f"{board.path}/tasks/?limit=2")
    assert answer.data["next"].startswith(f"http://testserver{board.path}/tasks/?")
    assert "limit=2" in answer.data["next"]


def test_a_row_that_goes_between_two_pages_makes_nobody_skip_another(owner, board):
    first = owner.get(f"{board.path}/tasks/?limit=1").data
    services.task_delete(actor=board.owner, task_id=board.tasks[0].pk)
    assert owner.get(first["next"]).data["results"][0]["title"] == "Task 1"


@pytest.mark.parametrize("limit", ["0", "-1", "501", "99999999999", "ten", "", "1.5", "1\x00", "١"])
def test_a_limit_out_of_range_is_named(limit, owner, board):
    answer = owner.get(f"{board.path}/tasks/?limit={limit}")
    assert answer.status_code == 400
    assert "limit" in answer.data["errors"]


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "forged",
    [
        "x",
        "%00",
        "ÄÖ",
        cursor("{}"),
        cursor("[]"),
        cursor('["a"]'),
        cursor('["a","b"]'),
        cursor("[1,2]"),
        cursor('["2026-01-01T00:00:00Z", null]'),
        cursor('["2026-01-01T00:00:00Z", "\\u0000"]'),
        cursor('["0000-01-01T00:00:00Z", "00000000-0000-4000-8000-000000000000"]'),
    ],
)
def test_a_forged_cursor_is_refused(forged, owner, board):
    for path in (f"{board.path}/tasks/", f"{board.path}/columns/", "/api/projects/"):
        answer = owner.get(f"{path}?cursor={forged}")
        # Two strings are a cursor of the projects, whose names may be any.
        assert answer.status_code == 400 or path == "/api/projects/", (path, answer.data)
        assert answer.status_code in (200, 400)


@pytest.mark.parametrize("position", ["9" * 30, "-1", "0"])
def test_a_position_beyond_all_numbers_in_a_cursor_is_only_an_empty_page(position, owner, board):
    forged = cursor(f'["{position}","00000000-0000-4000-8000-000000000000"]')
    assert owner.get(f"{board.path}/columns/?cursor={forged}").status_code in (200, 400)


def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(owner, board):
    answer = owner.get(f"{board.path}/tasks/?limt=3")
    assert answer.status_code == 400
    assert "limit, cursor" in answer.data["errors"]["limt"][0]
