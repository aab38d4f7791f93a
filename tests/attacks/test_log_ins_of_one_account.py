"""An account that logs in rightly on and on: nobody else waits for it, and its name alone is refused."""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from devmentor.password_requests import PLACES
from realtime.log_in_attempts import LEAST_SUCCESSES
from tests.attacks.log_ins import Try, Visitor, at_once, running, visitors
from tests.support.people import EDITOR, OPERATOR, OUTSIDER, OWNER, VIEWER, Person
from tests.support.raw_http import Answer
from tests.support.stack import KINDS, Stack, Templates

WORST_SECONDS = 20.0  # behind eight passwords, on a busy machine; on an idle one it is one
BROWSERS = 2
ATTEMPTS = 5
Visitors = Callable[[str], Visitor]
NEWCOMERS = """
import json
from projects.models import User
names = [f"newcomer{{number}}" for number in range(4)]
for name in names:
    User.objects.create_user(name, password={password!r})
print(json.dumps(names))
"""


@pytest.fixture(scope="module", params=KINDS)
def guarded(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Gateways with few log-ins a minute: on a busy machine a password takes seconds."""
    folder = tmp_path_factory.mktemp(f"accounts-{request.param}")
    with running(request.param, templates, folder, LOGIN_ATTEMPTS_PER_MINUTE=str(ATTEMPTS)) as stack:
        yield stack


@pytest.fixture
def visitor(guarded: Stack) -> Iterator[Visitors]:
    with visitors(guarded) as made:
        yield made


def tries_of(person: Person, address: str, cookies: list[str], count: int) -> list[Try]:
    browsers = itertools.cycle(cookies)
    return [Try(address, person.username, person.password, next(browsers)) for _ in range(count)]


def known_browsers(visitor: Visitors, person: Person, address: str) -> list[str]:
    """Their cookies."""
    found = []
    for _ in range(BROWSERS):
        browser = visitor(address)
        assert browser.by_api(**person.credentials).status_code == 200
        found.append(f"devmentor_device={browser.client.cookies['devmentor_device']}")
    return found


def check_refused(answer: Answer) -> None:
    assert answer.json()["code"] == "rate-limited"
    assert "under this name" in answer.json()["detail"]
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_one_account_in_many_browsers_leaves_places_to_others(guarded: Stack, visitor: Visitors) -> None:
    """Its log-ins are right, so no limit on failures holds it, and each browser was counted by itself."""
    cookies = known_browsers(visitor, OWNER, "203.0.113.1")
    found: list[int] = []
    times: list[float] = []

    def log_in() -> None:
        began = time.monotonic()
        found.append(visitor(f"203.0.113.{len(found) + 50}").by_api(**VIEWER.credentials).status_code)
        times.append(time.monotonic() - began)

    answers = at_once(
        guarded.first.http_url,
        tries_of(OWNER, "203.0.113.1", cookies, PLACES) + tries_of(OWNER, "203.0.113.1", [""], PLACES),
        log_in,
    )
    assert found
    assert set(found) == {200}
    assert max(times) < WORST_SECONDS
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {200, 429}
    for answer in answers:
        if answer.status == 429:
            check_refused(answer)


def test_a_name_logs_in_so_often_a_minute_and_others_at_its_address_do(
    guarded: Stack, visitor: Visitors
) -> None:
    office, elsewhere = "203.0.113.2", "203.0.113.3"
    began, logged_in, refused = time.monotonic(), 0, None
    while refused is None:
        assert logged_in < 4 * LEAST_SUCCESSES
        answers = at_once(guarded.first.http_url, tries_of(OUTSIDER, office, [""], 2))
        logged_in += sum(answer.status == 200 for answer in answers)
        refused = next((answer for answer in answers if answer.status == 429), None)
    check_refused(refused)
    assert logged_in <= LEAST_SUCCESSES * (1 + (time.monotonic() - began) / 60) + 2
    again = visitor(elsewhere).by_page(**OUTSIDER.credentials)
    assert again.status_code == 429
    assert "too many log-ins under this name: wait " in again.text.lower()
    for person in (EDITOR, OPERATOR):
        assert visitor(office).by_api(**person.credentials).status_code == 200


def test_what_strangers_try_under_a_name_keeps_nobody_out(guarded: Stack, visitor: Visitors) -> None:
    """Neither while their tries are under way nor afterwards."""
    cookie, _ = known_browsers(visitor, EDITOR, "203.0.113.4")
    addresses = [f"198.51.100.{number}" for number in range(1, 10)]
    tries = [Try(address, EDITOR.username, "wrong") for address in addresses]
    found: list[int] = []

    def log_in() -> None:
        found.extend(
            answer.status
            for answer in at_once(guarded.first.http_url, tries_of(EDITOR, "203.0.113.4", [cookie], 1))
        )

    at_once(guarded.first.http_url, tries, log_in)
    assert found
    assert set(found) == {200}
    assert visitor("203.0.113.5").by_api(**EDITOR.credentials).status_code == 200


def test_an_office_of_many_names_is_not_refused(guarded: Stack, visitor: Visitors) -> None:
    names: list[str] = guarded.python(NEWCOMERS.format(password=OWNER.password)).json()
    tries = [Try("203.0.113.6", name, OWNER.password) for name in names]
    assert {answer.status for answer in at_once(guarded.first.http_url, tries)} == {200}


def test_a_log_in_whose_name_cannot_be_read_counts_for_its_address(guarded: Stack, visitor: Visitors) -> None:
    """Else whoever sends a form in another way would be counted nowhere."""
    browser = visitor("203.0.113.7")
    page = browser.client.get("/login")
    token = page.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    fields = {**OPERATOR.credentials, "csrfmiddlewaretoken": token}
    found: list[int] = []
    for _ in range(4 * ATTEMPTS):
        parts = {name: (None, value) for name, value in fields.items()}
        origin = {"Origin": str(browser.client.base_url).rstrip("/")}
        answer = browser.client.post("/login", files=parts, headers=origin)
        found.append(answer.status_code)
        if found[-1] == 429:
            break
        fields["csrfmiddlewaretoken"] = browser.client.cookies["csrftoken"]
    assert found[0] == 302
    assert found[-1] == 429
