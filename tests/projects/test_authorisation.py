"""Who may do what. Every write of the API, by everybody, on a private and on a public board."""

import pytest

from tests.projects.conftest import ROLES, Board
from tests.projects.operations import ELSEWHERE, READS, WRITES


def test_no_route_is_left_out(document):
    named = [operation["operationId"] for ways in document["paths"].values() for operation in ways.values()]
    assert sorted(named) == sorted([*(write.name for write in WRITES), *READS, *ELSEWHERE])


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_only_those_who_may_write_do(write, role, public, people, as_):
    board = Board(people, public=public)
    path, body = write.path(board), write.body(board)
    before = board.seq
    answer = write.send(as_(role), path, body)
    if role in write.allowed:
        assert answer.status_code in (200, 201, 204), answer.data
        assert board.seq == before + 1, "one change, one event"
        return
    assert board.seq == before, "a refused change leaves no event"
    others = {
        "outsider": (403, "forbidden") if public else (404, "not-found"),
        "guest": (401, "unauthenticated"),
    }
    expected = others.get(role, (403, "forbidden"))
    assert (answer.status_code, answer.data["code"]) == expected


@pytest.mark.parametrize("role", ROLES)
def test_a_private_board_is_not_there_for_whoever_is_no_member(role, board, as_):
    expected = 404 if role in ("outsider", "guest") else 200
    for name, path in READS.items():
        answer = as_(role).get(path(board))
        assert answer.status_code == expected, name
        assert expected == 200 or answer.data["code"] == "not-found"


@pytest.mark.parametrize("role", ROLES)
def test_everybody_reads_a_public_board(role, public_board, as_):
    for name, path in READS.items():
        assert as_(role).get(path(public_board)).status_code == 200, name


def test_the_list_of_projects_holds_what_one_may_see_and_nothing_else(people, as_):
    private, public = Board(people), Board(people, public=True)
    for role in ROLES:
        listed = {row["id"] for row in as_(role).get("/api/projects/").data["results"]}
        expected = {str(public.id)} if role in ("outsider", "guest") else {str(private.id), str(public.id)}
        assert listed == expected, role


def test_a_superuser_who_is_no_member_has_no_right_beyond_anybody_else(board, people, as_):
    outsider = people["outsider"]
    outsider.is_superuser = outsider.is_staff = True
    outsider.save()
    assert as_("outsider").get(f"{board.path}/board/").status_code == 404
    assert as_("outsider").patch(f"{board.path}/", {"name": "Mine"}).status_code == 404


def test_who_one_is(as_, people):
    answer = as_("editor").get("/api/me/")
    assert answer.data == {"id": str(people["editor"].pk), "name": "Editor", "username": "editor"}
    assert as_("guest").get("/api/me/").status_code == 401
