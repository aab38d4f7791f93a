"""Whatever the address or a form of the admin holds: a page or a 4xx, and never a fault."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given

from tests.fuzz.admin_pages import addresses, forms
from tests.fuzz.conftest import Effort
from tests.fuzz.values import Known
from tests.fuzz.world import World
from tests.realtime.wire import session_of
from tests.support.people import OPERATOR, VIEWER

pytestmark = pytest.mark.django_db  # the names of the admin's models


@pytest.fixture
def operator(world: World) -> Iterator[httpx.Client]:
    with session_of(world.stack.first.web_url, OPERATOR) as client:
        yield client


def test_no_address_of_a_page_is_too_odd(operator: httpx.Client, world: World, effort: Effort) -> None:
    @effort.settings(short=80, long=3000)
    @given(address=addresses)
    def visit(address: str) -> None:
        world.cases += 1
        answer = operator.get(world.known.fill(address))
        assert answer.status_code < 500, (address, answer.text[:500])
        world.check()

    visit()


def test_no_form_of_a_page_is_too_odd(operator: httpx.Client, world: World, effort: Effort) -> None:
    user = world.owner.get(f"{world.public.path}/members/").json()["results"]
    (viewer,) = (member["user"]["id"] for member in user if member["user"]["username"] == VIEWER.username)
    more = {"@column": world.public.columns["Done"], "@user": viewer}
    known = Known({**world.known.words, **more})

    @effort.settings(short=60, long=2000)
    @given(form=forms)
    def submit(form: tuple[str, dict[str, str]]) -> None:
        world.cases += 1
        address, values = form
        token = {"csrfmiddlewaretoken": operator.cookies["csrftoken"]}
        data = {**token, **{name: known.fill(value) for name, value in values.items()}}
        answer = operator.post(known.fill(address), data=data)
        assert answer.status_code < 500, (address, values, answer.text[:500])
        world.check()

    submit()
