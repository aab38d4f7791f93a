"""Forms whose origin cannot be shown: whoever sent one reads what to do about it."""

from collections.abc import Iterator

import httpx
import pytest
from django.test import Client
from django.utils.encoding import iri_to_uri

from projects import services
from tests.support.people import EDITOR, OPERATOR, OWNER, Person
from tests.support.stack import Stack


@pytest.fixture
def browser(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.first.http_url, timeout=20) as client:
        client.get("/login").raise_for_status()
        yield client


def sent(browser: httpx.Client, token: str | None = None, **headers: str) -> str:
    """What the page says of a log-in that is refused."""
    token = browser.cookies.get("csrftoken", "") if token is None else token
    form = {**OPERATOR.credentials, "csrfmiddlewaretoken": token}
    answer = browser.post("/login", data=form, headers=headers)
    assert answer.status_code == 403, answer.text[:500]
    page: str = answer.text
    return page


def test_a_page_of_another_origin_is_named_beside_our_own(browser: httpx.Client) -> None:
    """A proxy that hands Host on without its port locks everybody out: the cause must stand there."""
    page = sent(browser, origin="https://boards.example.test:18144")
    assert "https://boards.example.test:18144" in page
    assert str(browser.base_url).rstrip("/") in page
    assert "proxy" in page


def test_a_page_that_keeps_its_origin_to_itself_is_told_why(browser: httpx.Client) -> None:
    assert "no-referrer" in sent(browser, origin="null")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "referer, words",
    [
        (
            "https://boards.example.test:18144/login",
            ["https://boards.example.test:18144", "https://testserver"],
        ),
        (None, ["no-referrer"]),
        ("https://[broken", ["no-referrer"]),
    ],
)
def test_where_a_browser_sends_no_origin_the_referer_decides_what_is_said(
    referer: str | None, words: list[str]
) -> None:
    """Over HTTPS alone, where Django calls for a Referer."""
    client = Client(enforce_csrf_checks=True)
    client.get("/login", secure=True)
    form = {**OPERATOR.credentials, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    headers = {} if referer is None else {"Referer": referer}
    answer = client.post("/login", form, secure=True, headers=headers)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert [word for word in words if word not in page] == []


def test_without_cookies_the_page_speaks_of_cookies(browser: httpx.Client) -> None:
    token = browser.cookies["csrftoken"]
    browser.cookies.clear()
    assert "allow them for this site" in sent(browser, token)


@pytest.mark.parametrize("token", ["", "x" * 32, "x" * 64, "\N{SNOWMAN}"])
def test_a_token_that_does_not_fit_is_an_old_form(browser: httpx.Client, token: str) -> None:
    assert "open for too long" in sent(browser, token)


def test_what_an_origin_says_is_text_on_the_page(browser: httpx.Client) -> None:
    page = sent(browser, origin="https://<script>alert(1)</script>")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page


OWN = ["/projects?x=1#y", "/é", "/%00", "x", "logout", "0001-01-01T00:00", "/" + "x" * 1999]
OTHERS = [
    "//x.test",
    "https://x.test/",
    "javascript:x",
    "/\\x.test",
    "//[",
    "/" + "x" * 2000,
    "/" + "é" * 1000,
    "\0",
]


@pytest.mark.django_db
@pytest.mark.parametrize("target", [*OWN, *OTHERS])
def test_whatever_was_asked_for_one_is_somewhere_after_the_log_in(target: str) -> None:
    """A word was taken for the name of a view, of which there is none: a 500 in place of the page."""
    services.user_create(username="odd", password="a long enough pass phrase")
    client = Client()
    for answer in (
        client.post("/login", {"username": "odd", "password": "a long enough pass phrase", "next": target}),
        client.get("/login", {"next": target}),
    ):
        assert (answer.status_code, answer["Location"]) == (
            302,
            iri_to_uri(target) if target in OWN else "/projects",
        )


def log_in(browser: httpx.Client, person: Person) -> None:
    form = {**person.credentials, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    assert browser.post("/login", data=form).status_code == 302


@pytest.mark.parametrize("path", ["/projects", "/logout", "/logout/everywhere"])
def test_a_page_of_one_person_makes_and_ends_nothing_for_who_has_logged_in_since(
    browser: httpx.Client, path: str
) -> None:
    """Each log-in has a CSRF token of its own, so that forms need not say whom they are meant for."""
    log_in(browser, OWNER)
    token = browser.cookies["csrftoken"]
    log_in(browser, EDITOR)
    before = browser.get("/api/projects/").json()
    answer = browser.post(path, data={"name": "A board of nobody's", "csrfmiddlewaretoken": token})
    assert answer.status_code == 403
    assert "somebody else has logged in since" in answer.text
    assert browser.get("/api/me/").json()["username"] == EDITOR.username
    assert browser.get("/api/projects/").json() == before
