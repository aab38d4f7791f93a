"""PUBLIC_BOARDS: who may open a board to everybody, whichever way they try."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from projects import demo, services
from projects.models import Project, User
from tests.projects.conftest import Board, Client

Way = Callable[[User, Board], Any]


def by_creating(user: User, board: Board) -> bool:
    return Client(user).post("/api/projects/", {"name": "New", "public": True}).status_code == 201


def by_a_change(user: User, board: Board) -> bool:
    return Client(user).patch(f"{board.path}/", {"public": True}).status_code == 200


def in_browser(user: User, path: str, **fields: str) -> bool:
    browser = Browser()
    browser.force_login(user)
    browser.post(path, {"name": "New", "public": "on", **fields})
    return Project.objects.filter(public=True).exists()


def on_the_page(user: User, board: Board) -> bool:
    return in_browser(user, "/projects")


def by_creating_in_the_admin(user: User, board: Board) -> bool:
    return in_browser(user, "/admin/projects/project/add/")


def by_a_change_in_the_admin(user: User, board: Board) -> bool:
    return in_browser(user, f"/admin/projects/project/{board.id}/change/")


FOR_ALL: list[Way] = [by_creating, by_a_change, on_the_page]
IN_THE_ADMIN: list[Way] = [by_creating_in_the_admin, by_a_change_in_the_admin]


@pytest.fixture
def staff(board: Board) -> User:
    user = services.user_create(username="staff", password=None, is_staff=True, is_superuser=True)
    services.member_add(actor=board.owner, project_id=board.id, username="staff", role="owner")
    return user


@pytest.mark.parametrize("way", FOR_ALL)
@pytest.mark.parametrize("allowed", ["everybody", "staff", "nobody"])
def test_an_owner_opens_a_board_where_everybody_may(allowed, way, board, settings):
    settings.PUBLIC_BOARDS = allowed
    may = allowed == "everybody"
    assert way(board.owner, board) is may
    assert Project.objects.filter(public=True).exists() is may


@pytest.mark.parametrize("way", [*FOR_ALL, *IN_THE_ADMIN])
@pytest.mark.parametrize("allowed", ["everybody", "staff", "nobody"])
def test_staff_open_a_board_unless_nobody_may(allowed, way, board, staff, settings):
    settings.PUBLIC_BOARDS = allowed
    may = allowed != "nobody"
    assert way(staff, board) is may
    assert Project.objects.filter(public=True).exists() is may


def test_a_refusal_says_which_setting_it_is(owner, board, settings):
    settings.PUBLIC_BOARDS = "nobody"
    seq = board.seq
    answer = owner.patch(f"{board.path}/", {"public": True})
    assert (answer.status_code, answer.data["code"]) == (403, "forbidden")
    assert "PUBLIC_BOARDS is nobody" in answer.data["detail"]
    assert board.seq == seq


def test_what_is_open_stays_so_and_may_be_renamed_and_closed(as_, public_board, settings):
    settings.PUBLIC_BOARDS = "nobody"
    path = f"{public_board.path}/"
    owner = as_("owner")
    assert as_("guest").get(path).status_code == 200
    assert owner.patch(path, {"name": "New", "public": True}).status_code == 200
    assert owner.patch(path, {"public": False}).status_code == 200
    assert owner.patch(path, {"public": True}).status_code == 403


@pytest.mark.parametrize("allowed", ["everybody", "staff"])
def test_pages_offer_only_what_one_may_do(allowed, board, client, settings):
    settings.PUBLIC_BOARDS = allowed
    client.force_login(board.owner)
    may = allowed == "everybody"
    assert ('name="public"' in client.get("/projects").content.decode()) is may
    assert ("data-may-open" in client.get(f"/projects/{board.id}").content.decode()) is may


@pytest.mark.django_db
def test_the_demo_is_made_where_nobody_may_open_a_board(settings):
    settings.PUBLIC_BOARDS = "nobody"
    demo.seed()
    assert Project.objects.exists()
