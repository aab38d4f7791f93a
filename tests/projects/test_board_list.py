"""The list of boards: pages and a search, on the page and over REST, at a price that others cannot raise."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models.signals import post_init
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from projects import board_lists, cursors, services
from projects.board_lists import KEYS, Asked
from projects.models import Column, Membership, Project, Role, User
from projects.web.board_list import PAGE
from realtime import rules
from tests.projects.conftest import Client
from tests.projects.test_lists import pages

MOST_BYTES = 1_400  # of the page, for each board with the longest of names

Make = Callable[..., None]


@pytest.fixture
def make(people: dict[str, User]) -> Make:
    """`make(3, "Board")`: public boards "Board 0" to "Board 2" of the outsider's, quickly."""

    def make_boards(
        count: int, name: str, *, owner: str = "outsider", public: bool = True, columns: int = 0
    ) -> None:
        boards = [Project(name=f"{name} {number}", public=public) for number in range(count)]
        Project.objects.bulk_create(boards)
        Membership.objects.bulk_create(
            Membership(project=board, user=people[owner], role=Role.OWNER) for board in boards
        )
        Column.objects.bulk_create(
            Column(project=board, name=f"{number} {'C' * 110}", position=number)
            for board in boards
            for number in range(columns)
        )

    return make_boards


def browser_of(user: User | None) -> Browser:
    browser = Browser()
    if user is not None:
        browser.force_login(user)
    return browser


def shown(html: str) -> list[str]:
    """The boards' names, in order."""
    return [unescape(name) for name in re.findall(r'<h3 class="board-title" dir="auto">(.*?)</h3>', html)]


def section(html: str, heading: str) -> str:
    found = re.search(rf'<section[^>]*aria-labelledby="{heading}">.*?</section>', html, re.DOTALL)
    return found.group() if found else ""


def all_shown(browser: Browser, address: str) -> list[str]:
    """Of the page and of those that follow."""
    names: list[str] = []
    while address:
        html = browser.get(address).content.decode()
        names += shown(html)
        following = re.search(r'rel="next" href="([^"]*)"', html)
        address = unescape(following.group(1)) if following else ""
    return names


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


@contextmanager
def counting() -> Iterator[dict[str, int]]:
    """How many rows are read as objects, how many queries are asked, and how long the longest is, in kB."""
    found = {"rows": 0, "queries": 0, "longest": 0}

    def count(**_: object) -> None:
        found["rows"] += 1

    rules.refresh()  # which whoever asks does once in a while
    post_init.connect(count)
    try:
        with CaptureQueriesContext(connection) as queries:
            yield found
        found["queries"] = len(queries)
        found["longest"] = max(len(query["sql"]) for query in queries) // 1000
    finally:
        post_init.disconnect(count)


# --- The price ------------------------------------------------------------------------------------


def test_a_thousand_public_boards_cost_a_guests_page_no_more_than_a_hundred(make):
    """Once 22 s of one account made each guest's page 1.1 MB and 0.7 s."""

    def cost() -> tuple[dict[str, int], int]:
        with counting() as found:
            page = browser_of(None).get("/projects")
        assert len(shown(page.content.decode())) == PAGE
        return found, len(page.content)

    make(100, "AAA " + "n" * 100, columns=50)
    few, _ = cost()
    make(900, "AAB " + "n" * 100, columns=50)
    many, size = cost()
    assert many == few
    assert many["rows"] < 8 * PAGE
    assert size < PAGE * MOST_BYTES + 5_000


def test_boards_of_others_add_nothing_to_the_queries_of_a_list(make, owner, board):
    browser = browser_of(board.owner)

    def costs() -> list[dict[str, int]]:
        found = []
        for ask in (
            lambda: browser.get("/projects"),
            lambda: owner.get("/api/projects/?limit=10"),
            lambda: owner.get("/api/projects/?limit=10&q=board"),
        ):
            with counting() as cost:
                assert ask().status_code == 200
            found.append(cost)
        return found

    make(50, "Board")
    few = costs()
    make(300, "Board A")
    make(300, "Private board", public=False)
    assert costs() == few


@pytest.mark.parametrize("page", ["the first", "a later"])
def test_a_page_begins_where_the_index_of_public_boards_does(page, make):
    make(300, "Board")
    middle = Project.objects.order_by(*KEYS)[150]
    after = (middle.name, middle.pk) if page == "a later" else None
    rows = board_lists._public(Asked(10, after=after), None).order_by(*KEYS)[:10]
    if connection.vendor == "postgresql":  # which reads so few rows as they lie
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    plan = rows.explain()
    assert "public_boards_by_name" in plan
    assert "sort" not in plan.lower()
    assert "TEMP B-TREE" not in plan
    if after:
        assert re.search(r"name>\?|Index Cond: .*name.* >=", plan), plan


# --- Pages ----------------------------------------------------------------------------------------


def test_the_page_goes_on_from_one_page_to_the_next_through_every_board_once(make):
    make(2 * PAGE + 3, "Board")
    expected = [row.name for row in Project.objects.order_by(*KEYS)]
    assert all_shown(browser_of(None), "/projects") == expected


def test_own_boards_and_those_of_others_have_pages_of_their_own(make, people):
    for name, count in {"A own": 10, "M own": PAGE - 8, "ZZ own": 2}.items():
        make(count, name, owner="owner", public=False)
    for name, count in {"B open": 20, "Z open": PAGE - 16}.items():
        make(count, name)
    make(1, "Not to be seen", public=False)
    make(1, "O own, and public", owner="owner")
    browser = browser_of(people["owner"])
    first = browser.get("/projects").content.decode()
    own, public = section(first, "own-boards"), section(first, "public-boards")
    assert (len(shown(own)), len(shown(public))) == (PAGE, PAGE)
    found = []
    for part in (own, public):
        following = re.search(r'rel="next" href="([^"]*)"', part)
        assert following
        rest = all_shown(browser, unescape(following.group(1)))
        found.append(shown(part) + rest)
    assert found[0] == [row.name for row in Project.objects.filter(memberships__user=people["owner"])]
    assert found[1] == [row.name for row in Project.objects.filter(name__contains=" open").order_by(*KEYS)]


def test_a_last_page_has_a_way_back_and_none_on(make):
    make(PAGE + 1, "Board")
    browser = browser_of(None)
    following = re.search(r'rel="next" href="([^"]*)"', browser.get("/projects?q=board").content.decode())
    assert following
    last = browser.get(unescape(following.group(1))).content.decode()
    assert 'rel="next"' not in last
    assert 'href="/projects?q=board">First page' in last


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_a_program_gets_own_and_public_boards_in_one_order(limit, make, owner, people):
    make(4, "B", owner="owner", public=False)
    make(4, "A")
    make(4, "B")
    make(2, "B", owner="owner")
    make(3, "C", public=False)
    found = [row["id"] for page in pages(owner, f"/api/projects/?limit={limit}") for row in page]
    expected = Project.objects.exclude(name__startswith="C").order_by(*KEYS)
    assert found == [str(row.pk) for row in expected]
    guests = [row["id"] for page in pages(Client(None), f"/api/projects/?limit={limit}") for row in page]
    assert guests == [str(row.pk) for row in expected.filter(public=True)]


# --- The search -----------------------------------------------------------------------------------

SEARCHES = {
    "garden": ["Garden", "My garden", "The Gardener's board"],
    "MY gard": ["My garden"],
    "gard my": ["My garden"],
    "  garden   my ": ["My garden"],
    "100%": ["100% done"],
    "_": ["under_score"],
    "'": ["The Gardener's board"],
    "nothing of the kind": [],
    "": ["100% done", "Garden", "My garden", "The Gardener's board", "under_score"],
}


@pytest.mark.parametrize("words", SEARCHES)
def test_a_search_finds_boards_whose_names_have_all_the_words(words, people, owner):
    services.project_create(actor=people["outsider"], name="Garden, but private")
    for name in ("Garden", "The Gardener's board", "100% done"):
        services.project_create(actor=people["outsider"], name=name, public=True)
    for name in ("My garden", "under_score"):
        services.project_create(actor=people["owner"], name=name)
    listed = owner.get(f"/api/projects/?q={quote(words)}").data["results"]
    assert names(listed) == SEARCHES[words]
    page = browser_of(people["owner"]).get("/projects", {"q": words})
    assert sorted(shown(page.content.decode())) == SEARCHES[words]


@pytest.mark.parametrize("looked_at", [1, 3, 7, 100])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_search_goes_on_behind_the_names_that_it_has_looked_at(
    limit, looked_at, make, owner, people, monkeypatch
):
    """A page looks at so many names of public boards and no more, and says where the next begins."""
    monkeypatch.setattr(board_lists, "LOOKED_AT", looked_at)
    make(6, "A")
    make(5, "B match")
    make(6, "C")
    make(3, "D match")
    make(3, "B match of mine", owner="owner", public=False)
    expected = [row.name for row in Project.objects.filter(name__contains="match").order_by(*KEYS)]
    found = pages(owner, f"/api/projects/?q=match&limit={limit}")
    assert [name for page in found for name in names(page)] == expected
    assert all(len(page) <= limit for page in found)
    public = [name for name in expected if "mine" not in name]
    assert all_shown(browser_of(None), "/projects?q=match") == public


def test_a_search_without_a_hit_says_so_and_leads_back(board, client):
    client.force_login(board.owner)
    html = client.get("/projects?q=zebra").content.decode()
    assert "No board that you may see has such a name" in html
    assert '<a href="/projects">Show all boards</a>' in html
    assert "New board" not in html
    assert 'value="zebra"' in html


@pytest.mark.parametrize(
    "query,said",
    [
        ("q=" + "x" * 121, "at most 120 characters"),
        ("q=a%00b", "U+0000"),
        ("q=a%E2%80%AEb", "U+202E"),
        ("public=x", "no such page"),
        ("own=", "no such page"),
        ("public=WyJhIiwiYiJd", "no such page"),
    ],
)
def test_what_the_page_cannot_be_asked_is_said_above_the_list(query, said, public_board, client):
    page = client.get(f"/projects?{query}")
    assert page.status_code == 400
    assert said in page.content.decode()
    assert shown(page.content.decode()) == ["Board"]


def test_a_search_of_a_program_is_checked_too(owner):
    for query in ("q=" + "x" * 121, "q=a%00b", "p=a"):
        answer = owner.get(f"/api/projects/?{query}")
        assert answer.status_code == 400
        assert list(answer.data["errors"]) == [query[0]]


def test_a_place_whose_board_is_gone_is_still_one(make):
    make(PAGE + 5, "Board")
    rows = list(Project.objects.order_by(*KEYS))
    cursor = cursors.encode((rows[PAGE - 1].name, rows[PAGE - 1].pk))
    Project.objects.filter(pk=rows[PAGE - 1].pk).delete()
    html = browser_of(None).get("/projects", {"public": cursor}).content.decode()
    assert shown(html) == [row.name for row in rows[PAGE:]]


# --- The cards ------------------------------------------------------------------------------------


def test_a_board_of_somebody_else_has_its_owners_name_beside_it(public_board, client, people):
    assert "by <bdi>Owner</bdi>" in client.get("/projects").content.decode()
    client.force_login(people["outsider"])
    assert "by <bdi>Owner</bdi>" in client.get("/projects").content.decode()
    client.force_login(people["viewer"])
    html = client.get("/projects").content.decode()
    assert "you are viewer" in html
    assert "by <bdi>Owner</bdi>" not in html


def test_a_board_has_the_name_of_nobody_who_was_made_its_owner_unasked(public_board, client, people):
    """Else anybody could publish what they like under somebody else's name."""
    Membership.objects.filter(user=people["owner"]).update(role=Role.EDITOR)
    services.member_change(
        actor=people["viewer"],
        membership_id=public_board.membership("editor").pk,
        role="owner",
        operator=True,
    )
    assert "by <bdi>Editor</bdi>" not in client.get("/projects").content.decode()
    Membership.objects.filter(user=people["editor"]).update(accepted=True)
    assert "by <bdi>Editor</bdi>" in client.get("/projects").content.decode()


def test_a_card_names_four_columns_with_their_tasks_and_counts_the_others(public_board, client):
    for name in ("Fourth", "Fifth", "Sixth"):
        services.column_create(actor=public_board.owner, project_id=public_board.id, name=name)
    public_board.add_task("Another", column_id=public_board.columns[2].pk)
    html = client.get("/projects").content.decode()
    columns = re.findall(
        r'<li><span(?: dir="auto")?>([^<]*)</span>(?:<span class="board-count">(\d+)</span>)?</li>', html
    )
    assert columns == [
        ("To do", "3"),
        ("In progress", "0"),
        ("Done", "1"),
        ("Fourth", "0"),
        ("and 2 more", ""),
    ]
    assert "4 tasks · 3 members" in html
