"""Log-ins as strangers try them, many at once, and what an honest client sees beside them."""

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.metrics import read_metrics
from tests.support.people import Person
from tests.support.raw_http import Answer, RawHttp, head
from tests.support.sockets import Socket
from tests.support.stack import Stack, Templates

TOKEN = "/api/auth/token/"
# Few: on a busy machine a password takes seconds, in which a larger limit would have filled up again.
ATTEMPTS = 2  # in a minute, by an address
FAILURES = 4  # for a name


@dataclass(slots=True)
class Beside:
    """What an honest client has seen: the seconds that each of its requests took."""

    pages: list[float] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)

    @property
    def worst(self) -> float:
        return max(self.pages + self.pings)


@dataclass(frozen=True, slots=True)
class Try:
    """A log-in by the API, from an address and with a browser's cookies."""

    address: str
    username: str
    password: str
    cookie: str = ""


def crowd(url: str, addresses: list[str], beside: Callable[[], None] | None = None) -> list[Answer]:
    """The answers to wrong log-ins, as `at_once` sends them."""
    tries = [Try(address, f"nobody {number}", "wrong") for number, address in enumerate(addresses)]
    return at_once(url, tries, beside)


def at_once(url: str, tries: list[Try], beside: Callable[[], None] | None = None) -> list[Answer]:
    """The answers to log-ins, all sent before one is read; `beside` is called until they have come."""
    with ExitStack() as open_, ThreadPoolExecutor(1) as reader:
        clients = [open_.enter_context(RawHttp(url, seconds=60)) for _ in tries]
        for client, sent in zip(clients, tries, strict=True):
            body = json.dumps({"username": sent.username, "password": sent.password}).encode()
            fields = {"Content_Type": "application/json", "Content_Length": str(len(body))}
            fields |= {"Cookie": sent.cookie} if sent.cookie else {}
            client.send(head("POST", TOKEN, client.host, X_Forwarded_For=sent.address, **fields), body)
        answers = reader.submit(lambda: [client.answer() for client in clients])
        while beside is not None and not answers.done():
            beside()
        return answers.result()


@contextmanager
def honest(stack: Stack, person: Person) -> Iterator[tuple[Beside, Callable[[], None]]]:
    """Somebody who works on while others attack: what they see, and the next of their requests."""
    seen = Beside()
    socket: Socket = stack.socket(person, stack.first)
    with httpx.Client(base_url=stack.first.http_url, timeout=60) as client:
        client.get("/api/realtime/").raise_for_status()

        def ask() -> None:
            began = time.monotonic()
            client.get("/api/realtime/").raise_for_status()
            seen.pages.append(time.monotonic() - began)
            began = time.monotonic()
            assert socket.request("ping", seconds=60)["event"] == "ack"
            seen.pings.append(time.monotonic() - began)

        yield seen, ask


class Visitor:
    """A browser at an address: it keeps its cookies."""

    def __init__(self, stack: Stack, address: str) -> None:
        self.client = httpx.Client(
            base_url=stack.first.http_url, headers={"X-Forwarded-For": address}, timeout=60
        )

    def by_api(self, username: str, password: str) -> httpx.Response:
        return self.client.post(TOKEN, json={"username": username, "password": password})

    def by_page(self, username: str, password: str) -> httpx.Response:
        return self.by_form("/login", username=username, password=password)

    def by_admin(self, username: str, password: str) -> httpx.Response:
        return self.by_form("/admin/login/", username=username, password=password, next="/admin/")

    def by_form(self, path: str, **fields: str) -> httpx.Response:
        page = self.client.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token is not None, page.text[:500]
        form = {"csrfmiddlewaretoken": token[1], **fields}
        return self.client.post(path, data=form, headers={"Origin": str(self.client.base_url).rstrip("/")})

    def forget_session(self) -> None:
        """Log out by losing the cookie, as when the browser was closed."""
        self.client.cookies.delete("sessionid")

    def close(self) -> None:
        self.client.close()


@contextmanager
def running(kind: str, templates: Templates, folder: Path, **settings: str) -> Iterator[Stack]:
    """Gateways behind a proxy that the tests are, so that each test has addresses of its own."""
    stack = Stack(kind, templates.copy(kind), folder, {"TRUSTED_PROXIES": "127.0.0.1", **settings})
    try:
        yield stack
    finally:
        stack.stop()


@contextmanager
def visitors(stack: Stack) -> Iterator[Callable[[str], Visitor]]:
    """Makes browsers, each at the address that is given."""
    with ExitStack() as browsers:

        def made(address: str) -> Visitor:
            found = Visitor(stack, address)
            browsers.callback(found.close)
            return found

        yield made


def counted(stack: Stack, outcome: str) -> float:
    """How many log-ins had that outcome, at whatever door of the first gateway."""
    found = read_metrics(stack.first.http_url)
    return sum(
        value
        for series, value in found.items()
        if "log_in_attempts_total" in series and f'outcome="{outcome}"' in series
    )
