"""The lock on a name after many failures: it ends when it says, and keeps out nobody who was there before."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.attacks.log_ins import FAILURES, Visitor, running, visitors
from tests.support.people import EDITOR, OPERATOR, OUTSIDER, OWNER, VIEWER, Person
from tests.support.stack import KINDS, Stack, Templates

Visitors = Callable[[str], Visitor]
AGE = """
from datetime import timedelta
from django.db.models import F
from axes.models import AccessAttempt
AccessAttempt.objects.filter(username__startswith={name!r}).update(
    attempt_time=F("attempt_time") - timedelta(seconds={seconds}))
"""
PASSWORD = """
from projects import services
from projects.models import User
user = User.objects.get(username={name!r})
services.user_set_password(actor=User.objects.get(username="oprah"), user_id=user.pk, password={password!r})
"""


@pytest.fixture(scope="module", params=KINDS)
def locking(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Gateways with a lock on names, and no limit on log-ins by an address."""
    folder = tmp_path_factory.mktemp(f"locking-{request.param}")
    with running(request.param, templates, folder, LOGIN_FAILURE_LIMIT=str(FAILURES)) as stack:
        yield stack


@pytest.fixture
def visitor(locking: Stack) -> Iterator[Visitors]:
    with visitors(locking) as made:
        yield made


def lock(visitor: Visitors, address: str, person: Person) -> httpx.Response:
    """Fail until the name is locked for the address; the answer that says so."""
    neighbour = visitor(address)
    found = [neighbour.by_api(person.username, f"wrong {number}") for number in range(FAILURES)]
    assert [answer.status_code for answer in found] == [401] * (FAILURES - 1) + [429]
    return found[-1]


def let_pass(locking: Stack, person: Person, seconds: float) -> None:
    """As if the failures had been so many seconds earlier."""
    assert locking.python(AGE.format(name=person.username, seconds=seconds)).status == 0


def test_a_try_that_is_refused_does_not_prolong_the_lock(locking: Stack, visitor: Visitors) -> None:
    """One request in fourteen minutes once kept a name locked for ever."""
    locked = lock(visitor, "203.0.113.40", OUTSIDER)
    assert 890 <= int(locked.headers["retry-after"]) <= 900
    browser = visitor("203.0.113.40")
    let_pass(locking, OUTSIDER, 800)
    for _ in range(2):
        assert 1 <= int(browser.by_api(**OUTSIDER.credentials).headers["retry-after"]) <= 100
    let_pass(locking, OUTSIDER, 101)
    assert browser.by_api(**OUTSIDER.credentials).status_code == 200


def test_every_door_says_how_long_the_wait_is(locking: Stack, visitor: Visitors) -> None:
    lock(visitor, "203.0.113.41", OPERATOR)
    browser = visitor("203.0.113.41")
    for minutes in (15, 10, 2):
        found = [door(**OPERATOR.credentials) for door in (browser.by_api, browser.by_page, browser.by_admin)]
        for answer in found:
            assert answer.status_code == 429
            left = int(answer.headers["retry-after"])
            assert 60 * minutes - 180 < left <= 60 * minutes
            told = re.search(r"(?:wait|try again in) (\d+) (minutes|seconds)", answer.text)
            assert told is not None, answer.text
            assert left <= int(told[1]) * (60 if told[2] == "minutes" else 1) < left + 60
        assert "locked here" in found[1].text
        let_pass(locking, OPERATOR, 5 * 60 if minutes == 15 else 8 * 60)


def test_neighbours_do_not_lock_out_a_browser_that_was_there_before(
    locking: Stack, visitor: Visitors
) -> None:
    office = "203.0.113.42"
    there_before, new = visitor(office), visitor(office)
    assert there_before.by_page(**OWNER.credentials).status_code == 302
    lock(visitor, office, OWNER)
    assert new.by_page(**OWNER.credentials).status_code == 429
    there_before.forget_session()
    for door, right in ((there_before.by_page, 302), (there_before.by_api, 200)):
        assert door(**OWNER.credentials).status_code == right
    # From elsewhere everybody may.
    assert visitor("203.0.113.43").by_page(**OWNER.credentials).status_code == 302


def test_a_browser_that_was_there_before_is_locked_by_itself(locking: Stack, visitor: Visitors) -> None:
    """Whoever sits at another's machine must not guess without end, and what they try keeps out nobody."""
    home = "203.0.113.44"
    there_before = visitor(home)
    assert there_before.by_page(**EDITOR.credentials).status_code == 302
    there_before.forget_session()
    found = [there_before.by_api(EDITOR.username, "wrong").status_code for _ in range(FAILURES // 2)]
    assert found[-1] == 429
    there_before.client.headers["X-Forwarded-For"] = "203.0.113.45"
    assert there_before.by_api(**EDITOR.credentials).status_code == 429
    assert visitor(home).by_api(**EDITOR.credentials).status_code == 200


def test_a_new_password_ends_what_a_browser_was_known_by(locking: Stack, visitor: Visitors) -> None:
    office = "203.0.113.46"
    there_before = visitor(office)
    assert there_before.by_page(**VIEWER.credentials).status_code == 302
    there_before.forget_session()
    lock(visitor, office, VIEWER)
    new = "another long enough pass phrase"
    changed = locking.python(PASSWORD.format(name=VIEWER.username, password=new))
    assert changed.status == 0, changed.err
    assert there_before.by_api(VIEWER.username, new).status_code == 429
    assert visitor("203.0.113.47").by_api(VIEWER.username, new).status_code == 200
    back = locking.python(PASSWORD.format(name=VIEWER.username, password=VIEWER.password))
    assert back.status == 0, back.err


def test_a_log_in_that_succeeds_forgets_the_failures_before_it(locking: Stack, visitor: Visitors) -> None:
    browser = visitor("203.0.113.48")
    for door, right in ((browser.by_api, 200), (browser.by_page, 302)):
        browser.client.cookies.clear()
        for _ in range(FAILURES - 1):
            assert browser.by_api(OUTSIDER.username, "wrong").status_code == 401
        assert door(**OUTSIDER.credentials).status_code == right


def test_a_device_cookie_is_hidden_from_scripts_and_other_sites(locking: Stack, visitor: Visitors) -> None:
    answer = visitor("203.0.113.49").by_page(**OUTSIDER.credentials)
    (cookie,) = [
        line for line in answer.headers.get_list("set-cookie") if line.startswith("devmentor_device=")
    ]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert OUTSIDER.username not in cookie


def test_operators_find_a_line_of_a_lock(locking: Stack, visitor: Visitors) -> None:
    lock(visitor, "203.0.113.50", EDITOR)
    assert "LOGIN_FAILURE_LIMIT is reached" in locking.first.log.read_text()
