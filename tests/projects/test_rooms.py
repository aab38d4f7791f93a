"""Who may listen: what the gateway asks the domain before each join."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.events import Event
from projects.rooms import PROJECT, readers
from tests.projects.conftest import Board

NOBODY = "00000000-0000-4000-8000-000000000000"


def everyone(board: Board) -> list[str | None]:
    return [*(str(user.pk) for user in board.people.values()), None]


def test_members_may_read_a_private_board(board):
    expected = {str(board.people[role].pk) for role in ("owner", "editor", "viewer")}
    assert readers(str(board.id), everyone(board)) == expected


def test_everybody_may_read_a_public_board_guests_too(public_board):
    asked = everyone(public_board)
    assert readers(str(public_board.id), asked) == set(asked)
    assert readers(str(public_board.id), [None]) == {None}


def test_one_query_answers_for_any_number_of_people(board):
    with CaptureQueriesContext(connection) as queries:
        readers(str(board.id), [*everyone(board), *[NOBODY] * 500])
    assert len(queries) == 1


def test_a_guest_alone_may_not_read_a_private_board(board):
    assert readers(str(board.id), [None]) == set()


def test_whatever_is_no_room_has_no_readers(board):
    asked = everyone(board)
    for room_id in (
        NOBODY,
        "",
        "x",
        "\x00",
        str(board.id).upper(),
        board.id.hex,
        f"{{{board.id}}}",
        "1" * 5000,
    ):
        assert readers(room_id, asked) == set(), room_id


def test_a_superuser_is_nobody_special(board, people):
    people["outsider"].is_superuser = True
    people["outsider"].save()
    assert str(people["outsider"].pk) not in readers(str(board.id), everyone(board))


def test_the_kind_names_the_frames_and_the_namespaces():
    assert (PROJECT.name, PROJECT.id_key) == ("project", "projectId")
    assert PROJECT.events == set(Event)
    assert PROJECT.namespaces == {"project", "column", "task", "comment", "member", "person"}
