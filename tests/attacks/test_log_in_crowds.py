"""Many log-ins at once: who tries passwords takes the time of nobody else."""

from collections.abc import Callable, Iterator

import pytest

from tests.attacks.log_ins import ATTEMPTS, TOKEN, Visitor, counted, crowd, honest, running, visitors
from tests.support.metrics import read_metrics
from tests.support.people import EDITOR, OPERATOR, OWNER, VIEWER
from tests.support.raw_http import Answer
from tests.support.stack import KINDS, Stack, Templates

# On an idle machine it is 0.3 s, and before there were limits it was 17 s: here is room for a busy one.
WORST_SECONDS = 5.0
Visitors = Callable[[str], Visitor]


@pytest.fixture(scope="module", params=KINDS)
def guarded(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Gateways with a limit on log-ins by an address, and no lock on names."""
    folder = tmp_path_factory.mktemp(f"guarded-{request.param}")
    with running(request.param, templates, folder, LOGIN_ATTEMPTS_PER_MINUTE=str(ATTEMPTS)) as stack:
        yield stack


@pytest.fixture
def visitor(guarded: Stack) -> Iterator[Visitors]:
    with visitors(guarded) as made:
        yield made


def check_refusals(answers: list[Answer]) -> None:
    """Each says what to do, and when."""
    for answer in answers:
        if answer.status in (429, 503):
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] in ("rate-limited", "unavailable")
            assert "wait " in answer.json()["detail"]


def use_up(guarded: Stack, address: str) -> Answer:
    """Try more wrong log-ins than an address may; the answer to the one that was too many."""
    answers = crowd(guarded.first.http_url, [address] * (ATTEMPTS + 1))
    assert sorted(answer.status for answer in answers) == [401] * ATTEMPTS + [429]
    return next(answer for answer in answers if answer.status == 429)


@pytest.mark.parametrize("count", [150, 1000])
def test_wrong_log_ins_of_one_address_hold_up_nobody(guarded: Stack, visitor: Visitors, count: int) -> None:
    """150 at once once took the pages and the API away for 17 seconds."""
    with honest(guarded, OWNER) as (seen, ask):
        answers = crowd(guarded.first.http_url, [f"2001:db8:1:{count}::{n:x}" for n in range(count)], ask)
    assert len(seen.pages) > 1
    assert seen.worst < WORST_SECONDS
    statuses = [answer.status for answer in answers]
    assert statuses.count(401) <= ATTEMPTS + 2  # what has come back meanwhile
    assert set(statuses) <= {401, 429}
    check_refusals(answers)
    assert visitor("203.0.113.1").by_api(**EDITOR.credentials).status_code == 200


def test_wrong_log_ins_of_many_addresses_hold_up_nobody(guarded: Stack) -> None:
    """No limit for an address helps then: the few threads that hash, and their short queue, are the bound."""
    with honest(guarded, OWNER) as (seen, ask):
        answers = crowd(guarded.first.http_url, [f"2001:db8:2{n:03x}::1" for n in range(300)], ask)
    assert seen.worst < WORST_SECONDS
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {401, 503}
    assert statuses.count(401) < 100
    check_refusals(answers)


def test_a_browser_that_was_there_before_has_a_place_in_a_crowd(guarded: Stack, visitor: Visitors) -> None:
    there_before, found = visitor("203.0.113.2"), list[int]()
    assert there_before.by_page(**VIEWER.credentials).status_code == 302

    def log_in() -> None:
        there_before.forget_session()
        found.append(there_before.by_page(**VIEWER.credentials).status_code)

    crowd(guarded.first.http_url, [f"2001:db8:3{n:03x}::1" for n in range(100)], log_in)
    assert set(found) == {302}


def test_the_limit_of_an_address_is_the_same_at_every_door(guarded: Stack, visitor: Visitors) -> None:
    before = counted(guarded, "limited")
    browser = visitor("203.0.113.3")
    api, page, admin = browser.by_api, browser.by_page, browser.by_admin
    wrong = ("nobody", "wrong")
    assert [door(*wrong).status_code for door in (page, admin)] == [401, 200]
    refused = [door(*wrong) for door in (api, page, admin)]
    assert [answer.status_code for answer in refused] == [429, 429, 429]
    for answer in refused:
        assert 1 <= int(answer.headers["retry-after"]) <= 60 / ATTEMPTS
        assert "too many log-ins were tried from your address: wait " in answer.text.lower()
    assert counted(guarded, "limited") - before == len(refused)
    assert visitor("203.0.113.4").by_api(*wrong).status_code == 401


def test_an_old_password_is_guessed_no_quicker(guarded: Stack, visitor: Visitors) -> None:
    """A stolen session must not become a password."""
    browser = visitor("203.0.113.5")
    assert browser.by_admin(**OPERATOR.credentials).status_code == 302
    new = {"new_password1": "a brand new pass phrase", "new_password2": "a brand new pass phrase"}
    found = [
        browser.by_form("/admin/password_change/", old_password="wrong", **new) for _ in range(ATTEMPTS + 1)
    ]
    assert [answer.status_code for answer in found] == [200] * ATTEMPTS + [429]


def test_log_ins_that_succeed_are_not_counted(guarded: Stack, visitor: Visitors) -> None:
    """People of one office log in at nine, all from one address."""
    found = [visitor("203.0.113.7").by_api(**EDITOR.credentials) for _ in range(ATTEMPTS + 2)]
    assert {answer.status_code for answer in found} == {200}


def test_neighbours_do_not_keep_out_a_browser_that_was_there_before(
    guarded: Stack, visitor: Visitors
) -> None:
    office = "203.0.113.8"
    there_before, new = visitor(office), visitor(office)
    assert there_before.by_page(**EDITOR.credentials).status_code == 302
    use_up(guarded, office)
    assert new.by_api(**EDITOR.credentials).status_code == 429
    there_before.forget_session()
    assert there_before.by_page(**EDITOR.credentials).status_code == 302
    assert there_before.by_api(**EDITOR.credentials).status_code == 200
    # It speaks for that name alone, and what may fail there has a limit of its own.
    assert there_before.by_api(**OWNER.credentials).status_code == 429
    found = [there_before.by_api(EDITOR.username, "wrong").status_code for _ in range(ATTEMPTS)]
    assert found[0] == 401
    assert found[-1] == 429


def test_a_device_cookie_that_was_made_up_opens_nothing(guarded: Stack, visitor: Visitors) -> None:
    office = "203.0.113.9"
    use_up(guarded, office)
    browser = visitor(office)
    browser.client.cookies.set("devmentor_device", f"x~{'0' * 16}.{'0' * 16}:1tX:abc")
    assert browser.by_api(**EDITOR.credentials).status_code == 429


def test_operators_are_told_without_what_clients_sent(guarded: Stack) -> None:
    use_up(guarded, "203.0.113.10")
    found = read_metrics(guarded.first.http_url)
    assert found['log_in_attempts_total{door="api",outcome="limited"}'] >= 1
    assert not [series for series in found if "nobody" in series]
    assert "LOGIN_ATTEMPTS_PER_MINUTE is reached" in guarded.first.log.read_text()


def test_forms_of_other_sites_are_no_attempts(guarded: Stack) -> None:
    """A page that sends them from a visitor's browser would lock their whole address out."""
    with visitors(guarded) as made:
        visitor = made("203.0.113.77")
        for _ in range(2 * ATTEMPTS):
            for path in ("/login", "/admin/login/"):
                form = {"username": "x", "password": "x"}
                sent = visitor.client.post(path, data=form, headers={"Origin": "https://evil.example"})
                assert sent.status_code == 403
            headers = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
            plain = visitor.client.post(TOKEN, content=b"x", headers=headers)
            assert plain.status_code == 415
        assert visitor.by_api(**EDITOR.credentials).status_code == 200


def test_pages_on_which_operators_set_passwords_are_limited_alike(guarded: Stack) -> None:
    """Whoever is not logged in is refused there too late to leave the threads to others."""
    with visitors(guarded) as made:
        visitor = made("203.0.113.78")
        found = [visitor.client.post("/admin/x/user/add/", data={}).status_code for _ in range(ATTEMPTS + 2)]
        assert found[ATTEMPTS:] == [429, 429]
