"""SECURE_SSL_REDIRECT: what comes over http is sent to https, and no write is lost on the way."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core import checks

from tests.support.api import answered, bearer
from tests.support.people import OWNER
from tests.support.stack import KINDS, Stack, Templates

HTTPS = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}


class Https(httpx.Client):
    """A client whose requests come by way of a proxy that speaks TLS."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, headers=HTTPS, timeout=20)


@pytest.fixture(scope="module", params=KINDS)
def redirecting(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    settings = {"SECURE_SSL_REDIRECT": "true", "TRUSTED_PROXIES": "127.0.0.1", "DEBUG": "false"}
    folder = tmp_path_factory.mktemp(f"https-{request.param}")
    stack = Stack(request.param, templates.copy(request.param), folder, settings)
    yield stack
    stack.stop()


@pytest.fixture
def https(redirecting: Stack) -> Iterator[Https]:
    with Https(redirecting.second.http_url) as client:
        token = answered(client.post("/api/auth/token/", json=OWNER.credentials), 200)["access"]
        client.headers.update(bearer(token))
        yield client


def board_of(client: httpx.Client) -> dict[str, Any]:
    project = answered(client.post("/api/projects/", json={"name": "Over https"}), 201)
    board: dict[str, Any] = answered(client.get(f"/api/projects/{project['id']}/board/"), 200)
    return board


def test_every_route_but_those_of_probes_is_sent_to_https(redirecting: Stack, https: Https) -> None:
    """Polls were answered in the clear, while all else was redirected."""
    board, host = board_of(https), redirecting.second.http_url.removeprefix("http://")
    of_board = f"/api/projects/{board['project']['id']}"
    paths = ["/projects", "/admin/", "/api/realtime/", "/api/nothing/", f"{of_board}/board/"]
    for path in [*paths, f"{of_board}/events/?since=0&wait=10000"]:
        answer = httpx.get(f"http://{host}{path}", headers=bearer(https.headers["authorization"][7:]))
        assert (path, answer.status_code) == (path, 301)
        assert answer.headers["location"] == f"https://{host}{path}"
    for path in ("/health", "/ready"):
        assert httpx.get(f"http://{host}{path}").status_code == 200


def test_a_write_over_http_is_no_read_over_https(redirecting: Stack, https: Https) -> None:
    """A client that followed asked with GET, got the list of tasks with 200, and nothing was written."""
    board = board_of(https)
    path, key = f"/api/projects/{board['project']['id']}/tasks/", {"Idempotency-Key": "over-http"}
    sent = {**bearer(https.headers["authorization"][7:]), **key}
    task = f"{redirecting.second.http_url}{path}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert httpx.request(method, task, headers=sent, json={"title": "Kept"}).status_code == 308
    assert answered(https.get(path), 200)["results"] == []
    followed = httpx.post(task, headers=sent, json={"title": "Kept"})
    again = followed.next_request
    assert again is not None
    assert (again.method, again.url.scheme, again.read()) == ("POST", "https", followed.request.read())


def test_a_page_over_https_is_kept_there(https: Https) -> None:
    page = https.get("/login")
    assert page.status_code == 200
    assert "max-age=31536000" in page.headers["strict-transport-security"]
    assert "Secure" in page.headers["set-cookie"]


def test_a_redirect_without_end_is_warned_of(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT, settings.TRUSTED_PROXIES = True, []
    assert "realtime.W004" in {found.id for found in checks.run_checks()}
    settings.SECURE_SSL_REDIRECT = False
    assert "realtime.W004" not in {found.id for found in checks.run_checks()}
