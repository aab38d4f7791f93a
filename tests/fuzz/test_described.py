"""Whatever the OpenAPI document allows, whoever sends it: an answer that is no fault."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.conftest import Effort
from tests.fuzz.described import Caller, known_ids, operations
from tests.fuzz.world import ROLES, World
from tests.support.api import bearer
from tests.support.boards import Board

# Who is on no board has one to read all the same.
ON_PUBLIC_BOARDS = {"guest", "outsider", "operator", "service"}


@pytest.mark.parametrize("role", ROLES)
def test_no_request_that_the_document_allows_is_too_odd(role: str, world: World, effort: Effort) -> None:
    url = world.stack.first.http_url
    board = Board(world.owner, public=role in ON_PUBLIC_BOARDS)
    with httpx.Client(base_url=url, headers=bearer(world.token(role)), timeout=20) as client:
        caller = Caller(client, known_ids(board))
        for operation in operations(url):
            run = attempt(caller, operation.as_strategy(), world, effort)
            run()
            world.check()


def attempt(
    caller: Caller, cases: st.SearchStrategy[Any], world: World, effort: Effort
) -> Callable[[], None]:
    """Send examples of an operation's requests."""

    @effort.settings(short=1, long=25)
    @given(case=cases, real=st.booleans() if effort.long else st.just(True))
    def call(case: Any, real: bool) -> None:
        world.cases += 1
        caller.call(case, real)

    found: Callable[[], None] = call
    return found
