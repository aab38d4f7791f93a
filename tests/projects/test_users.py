"""Users: what others see of them reaches every board they are on, and nobody goes without a trace."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects import services
from projects.errors import Conflict
from projects.models import User
from tests.projects.conftest import Board
from tests.support.reducer import replay


def test_a_new_name_is_told_in_each_of_the_users_projects(people):
    boards = [Board(people), Board(people)]
    before = [board.snapshot() for board in boards]
    services.user_update(
        actor=people["owner"], user_id=people["editor"].pk, values={"first_name": "Edith", "email": "e@x.org"}
    )
    for board, snapshot in zip(boards, before, strict=True):
        (event,) = board.events(snapshot["seq"])
        assert event["event"] == "member:updated"
        assert event["data"]["user"]["name"] == "Edith"
        assert replay(snapshot, [event]) == board.snapshot()


def test_what_nobody_else_sees_is_told_nobody(board, people):
    seq = board.seq
    services.user_update(actor=people["owner"], user_id=people["editor"].pk, values={"email": "e@x.org"})
    assert User.objects.get(pk=people["editor"].pk).email == "e@x.org"
    assert board.seq == seq


@pytest.mark.parametrize("values", [{"is_active": False}, {"email": "e@x.org"}, {"username": "editor"}])
def test_boards_are_locked_for_a_new_name_alone(board, people, values):
    """A user may be on thousands of them: each would wait for all."""
    operator = User.objects.create_superuser("operator")
    with CaptureQueriesContext(connection) as queries:
        services.user_update(actor=operator, user_id=people["editor"].pk, values=values)
    assert not [query["sql"] for query in queries if str(board.id) in query["sql"]]


def test_a_user_whom_a_project_names_cannot_be_deleted(board, people):
    with pytest.raises(Conflict, match="Active"):
        services.user_delete(actor=people["owner"], user_id=people["viewer"].pk)
    services.user_delete(actor=people["owner"], user_id=people["outsider"].pk)
    assert not User.objects.filter(username="outsider").exists()
    assert User.objects.filter(username="viewer").exists()
