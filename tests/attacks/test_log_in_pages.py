"""What an attacker gets out of the log-in page: where it leads, whose session it gives, what it tells."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.attacks.log_ins import FAILURES, Visitor, running, visitors
from tests.support.people import EDITOR, OWNER, VIEWER
from tests.support.stack import KINDS, Stack, Templates

TARGETS = [
    "https://evil.example",
    "http://evil.example/projects",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\n//evil.example",
    "/%0d%0aSet-Cookie:x=y",
    "/\r\nSet-Cookie: x=y",
    "https:evil.example",
    "https:/evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "//evil.example\\@127.0.0.1/",
    "https://127.0.0.1@evil.example/",
    "https://127.0.0.1.evil.example/",
    "//127.0.0.1:1@evil.example",
    "http://[::1",
    "//evil。example",
    "\u202e//evil.example",
    "\x00//evil.example",
    "x" * 5000,
]


@pytest.fixture(scope="module", params=KINDS)
def guarded(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("log-in-pages")
    limits = {"LOGIN_FAILURE_LIMIT": str(FAILURES), "LOGIN_ATTEMPTS_PER_MINUTE": "0"}
    with running(request.param, templates, folder, **limits) as stack:
        yield stack


@pytest.fixture
def visitor(guarded: Stack, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    with visitors(guarded) as made:
        yield made(f"203.0.113.{abs(hash(request.node.name)) % 200 + 1}")


def test_whoever_logs_in_stays_on_this_site(visitor: Visitor) -> None:
    for target in TARGETS:
        visitor.client.cookies.clear()
        answer = visitor.by_form("/login", **VIEWER.credentials, next=target)
        assert answer.status_code == 302, target
        assert stays(visitor, answer), (target, answer.headers["location"])
        again = visitor.client.get("/login", params={"next": target})
        assert again.status_code == 302, target
        assert stays(visitor, again), (target, again.headers["location"])
        assert "x" not in answer.cookies


def stays(visitor: Visitor, answer: httpx.Response) -> bool:
    """Whether a browser that follows this stays at the same origin."""
    leads_to = visitor.client.base_url.join(answer.headers["location"])
    own = urlsplit(str(visitor.client.base_url))
    return (leads_to.scheme, leads_to.host, leads_to.port) == (own.scheme, own.hostname, own.port)


def test_a_session_is_another_after_a_log_in_and_none_after_a_log_out(visitor: Visitor) -> None:
    """Else whoever has put a cookie into somebody's browser would be logged in with them."""
    client = visitor.client
    planted = "a" * 32
    client.cookies.set("sessionid", planted, domain="127.0.0.1", path="/")
    assert visitor.by_page(**EDITOR.credentials).status_code == 302
    given = [cookie.value for cookie in client.cookies.jar if cookie.name == "sessionid"]
    first = next(str(value) for value in given if value != planted)
    who = {"Cookie": f"sessionid={first}"}
    with httpx.Client(base_url=client.base_url, timeout=10) as thief:
        assert thief.get("/api/me/", headers={"Cookie": f"sessionid={planted}"}).status_code == 401
        assert thief.get("/api/me/", headers=who).status_code == 200
        assert log_out(client).status_code == 302
        assert thief.get("/api/me/", headers=who).status_code == 401


def log_out(client: httpx.Client) -> httpx.Response:
    form = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
    return client.post("/logout", data=form, headers={"Origin": str(client.base_url).rstrip("/")})


SPELLINGS = [
    EDITOR.username.upper(),
    f" {EDITOR.username}",
    f"{EDITOR.username} ",
    f"{EDITOR.username}\u200b",
    "".join(chr(ord(letter) + 0xFEE0) for letter in EDITOR.username),  # full width
    f"{EDITOR.username}\x00",
    f"{EDITOR.username}\n",
]
FORGED_ADDRESSES = [
    {name: "198.51.100.77"}
    for name in (
        "X-Real-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Client-IP",
        "Forwarded",
        "X_Forwarded_For",
    )
]


def lets_in(answer: httpx.Response) -> bool:
    return "sessionid" in answer.cookies or "access" in answer.text


def test_a_locked_name_is_locked_in_each_spelling_and_at_each_door(visitor: Visitor) -> None:
    for _ in range(FAILURES):
        assert visitor.by_api(EDITOR.username, "wrong").status_code in (401, 429)
    right = EDITOR.credentials["password"]
    for door in (visitor.by_api, visitor.by_page, visitor.by_admin):
        assert door(EDITOR.username, right).status_code == 429, door.__name__
        for spelling in SPELLINGS:
            assert not lets_in(door(spelling, right)), (door.__name__, spelling)
    for headers in FORGED_ADDRESSES:
        visitor.client.headers.update(headers)
        assert visitor.by_api(EDITOR.username, right).status_code == 429, headers
    assert visitor.by_api(**OWNER.credentials).status_code == 200, "another name at the same address"


def test_a_wrong_log_in_tells_nothing_of_the_name(visitor: Visitor) -> None:
    """Neither in words nor in headers; tests/realtime/test_devices.py has the time that it takes."""

    def told(name: str) -> tuple[int, str, list[str]]:
        answer = visitor.by_api(name, "wrong")
        return answer.status_code, answer.text, sorted(answer.headers)

    assert told(VIEWER.username) == told("nobody-of-this-name")
    page, other = (visitor.by_page(name, "wrong") for name in (VIEWER.username, "nobodyx"))
    assert page.status_code == other.status_code == 401
