"""HTTP as programs meet it: one shape for every error, writes that happen once, a door for services."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.tokens import TokenType, issue
from tests.realtime.wire import session_of
from tests.support.api import Api, answered
from tests.support.boards import Board
from tests.support.people import EDITOR, OPERATOR, OUTSIDER, OWNER, VIEWER
from tests.support.stack import Stack

SERVICE_SECONDS = 600


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    found: dict[str, Any] = answered(answer, status)
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    assert {"type", "title", "status", "detail", "code"} <= set(found)
    assert found["status"] == status
    assert found["detail"]
    return found


@pytest.fixture
def service(stack: Stack) -> Iterator[Api]:
    """Another program with a token of its own, which the tests' secret signs."""
    api = Api(stack.first.http_url, issue("ai", TokenType.SERVICE, SERVICE_SECONDS))
    yield api
    api.close()


# --- Errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/nothing", "/api/nothing/", "/api/projects/not-an-id/", "/api/%00", "/api/x%0Ay"],
)
def test_an_unknown_address_below_api_is_a_problem(stack: Stack, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = httpx.request(method, stack.first.http_url + path, timeout=10)
        assert problem(answer, 404)["code"] == "not-found"


@pytest.mark.parametrize(
    "path", ["/api/projects", "/api/docs", "/api/schema", "{board}", "{board}/events", "{board}/board"]
)
def test_an_address_without_its_slash_leads_to_the_one_with_it(stack: Stack, board: Board, path: str) -> None:
    path = path.replace("{board}", board.path)
    api = stack.api(OWNER)
    for answer in (api.get(f"{path}?limit=1&x=%2F"), api.head(f"{path}?limit=1&x=%2F")):
        assert (answer.status_code, answer.headers["location"]) == (301, f"{path}/?limit=1&x=%2F")
    for answer in (api.post(path, {"name": "x"}), api.delete(path)):
        found = problem(answer, 404)
        assert "slash at the end" in found["detail"]
        assert f"{path}/" in found["detail"]


def test_a_write_to_a_page_without_its_slash_stays_a_write(stack: Stack) -> None:
    """With DEBUG on Django makes a 500 of it."""
    url = f"{stack.first.http_url}/admin"
    found = [httpx.request(method, url, timeout=10) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")]
    assert [answer.status_code for answer in found] == [301, 308, 308, 308, 308]
    assert {answer.headers["location"] for answer in found} == {"/admin/"}


@pytest.mark.parametrize(
    "path", ["/api/docs/", "/api/schema/", "/api/asyncapi.yaml", "/api/me/", "/login", "/projects", "/health"]
)
def test_options_are_never_a_fault(stack: Stack, path: str) -> None:
    assert httpx.options(stack.first.http_url + path, timeout=10).status_code in (200, 204, 405)


@pytest.mark.parametrize(
    "path",
    [
        *("/api/me/", "/api/realtime/", "/api/projects/", "/api/auth/token/"),
        *("/api/docs/", "/api/schema/", "/api/asyncapi.yaml"),
    ],
)
def test_a_method_that_is_not_there_is_a_problem(stack: Stack, path: str) -> None:
    """JSON also where the address answers in YAML or HTML."""
    answer = httpx.put(stack.first.http_url + path, json={}, timeout=10)
    assert problem(answer, 405)["code"] == "method-not-allowed"
    assert answer.headers["allow"]


def test_a_wrong_password_is_401_and_says_nothing_more(stack: Stack) -> None:
    wrong = stack.api(None).post("/api/auth/token/", {"username": OWNER.username, "password": "wrong"})
    nobody = stack.api(None).post("/api/auth/token/", {"username": "nobody", "password": "wrong"})
    assert problem(wrong, 401) == problem(nobody, 401)
    assert wrong.json()["code"] == "unauthenticated"


def test_a_form_that_does_not_hold_is_told_by_field(stack: Stack) -> None:
    found = problem(stack.api(None).post("/api/auth/token/", {"username": ""}), 400)
    assert set(found["errors"]) == {"username", "password"}


def test_a_refresh_token_gives_a_new_pair_and_an_access_token_does_not(stack: Stack) -> None:
    guest = stack.api(None)
    pair = answered(guest.post("/api/auth/token/", VIEWER.credentials), 200)
    fresh = answered(guest.post("/api/auth/token/refresh/", {"refresh": pair["refresh"]}), 200)
    assert set(fresh) == {"access", "refresh"}
    me = guest.get("/api/me/", headers={"Authorization": f"Bearer {fresh['access']}"})
    assert answered(me, 200)["username"] == VIEWER.username
    assert problem(guest.post("/api/auth/token/refresh/", {"refresh": pair["access"]}), 401)


def test_a_guest_who_writes_is_401_and_a_viewer_403(stack: Stack, board: Board) -> None:
    task = {"title": "Not mine to write"}
    assert problem(stack.api(None).post(f"{board.path}/tasks/", task), 401)["code"] == "unauthenticated"
    assert problem(stack.api(VIEWER).post(f"{board.path}/tasks/", task), 403)["code"] == "forbidden"
    assert problem(stack.api(OUTSIDER).post(f"{board.path}/tasks/", task), 404)["code"] == "not-found"


# --- Writes that happen once --------------------------------------------------------------------------


def test_a_key_makes_one_write_of_many_and_names_the_event(stack: Stack, board: Board) -> None:
    """A client whose line broke cannot know whether its write arrived: it sends it again."""
    key, body = f"key-{uuid4()}", {"title": "Once"}
    apis = [stack.api(EDITOR, gateway) for gateway in stack.gateways * 4]

    def write(api: Api) -> httpx.Response:
        return api.post(f"{board.path}/tasks/", body, headers={"Idempotency-Key": key})

    before = board.seq
    with ThreadPoolExecutor(len(apis)) as pool:
        answers = list(pool.map(write, apis))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    (event,) = board.events(since=before)
    assert event["mutationId"] == key
    again = write(apis[0])
    assert (again.status_code, again.content) == (201, answers[0].content)
    assert board.seq == before + 1


def test_the_same_key_of_another_person_is_another_write(stack: Stack, board: Board) -> None:
    key, before = f"key-{uuid4()}", board.seq
    for person in (OWNER, EDITOR):
        headers = {"Idempotency-Key": key}
        answered(stack.api(person).post(f"{board.path}/tasks/", {"title": "Mine"}, headers=headers), 201)
    assert len(board.events(since=before)) == 2


# --- Other services -----------------------------------------------------------------------------------


def test_a_service_sends_a_named_event_to_the_room(stack: Stack, board: Board, service: Api) -> None:
    socket = stack.socket(VIEWER)
    head = socket.join(board.id)["seq"]
    data = {"text": "Three tasks are late", "tasks": [1, 2, 3]}
    sent = answered(service.post(f"{board.path}/publish/", {"event": "ai:summarised", "data": data}), 201)
    heard = socket.wait_for("ai:summarised")
    assert heard == sent
    assert (heard["seq"], heard["data"], heard["actor"]["name"]) == (head + 1, data, "ai")
    assert board.events(since=head) == [sent]


@pytest.mark.parametrize("namespace", ["stream", "inbox", "presence", "system", "label", "hello", "task"])
def test_a_service_publishes_under_a_name_of_its_own(board: Board, service: Api, namespace: str) -> None:
    answer = service.post(f"{board.path}/publish/", {"event": f"{namespace}:made", "data": {}})
    assert "a namespace of your own" in problem(answer, 400)["errors"]["event"][0]


def test_people_do_not_publish(stack: Stack, board: Board) -> None:
    event = {"event": "ai:summarised", "data": {}}
    assert problem(stack.api(OWNER).post(f"{board.path}/publish/", event), 403)["code"] == "forbidden"
    assert problem(stack.api(None).post(f"{board.path}/publish/", event), 401)["code"] == "unauthenticated"
    bad = {"Authorization": "Bearer x.y.z"}
    assert problem(stack.api(None).post(f"{board.path}/publish/", event, headers=bad), 401)


def test_a_service_is_nobody_elsewhere(board: Board, service: Api) -> None:
    for path in ("/api/me/", "/api/projects/", f"{board.path}/board/", f"{board.path}/events/"):
        assert problem(service.get(path), 401)["code"] == "unauthenticated"


OURS = [
    *("task:created", "task:anything", "project:deleted", "member:removed", "column:x", "comment:x"),
    *("presence:joined", "system:draining"),
]
NO_NAMES = ["x", "", "x:", "X:Y", "a:b:c", "a b:c", "x" * 100]


def test_a_service_cannot_speak_in_our_name(board: Board, service: Api) -> None:
    """A forged `task:created` would put a task on every board that is in no database."""
    before = board.seq
    for event in (*OURS, *NO_NAMES):
        found = problem(service.post(f"{board.path}/publish/", {"event": event, "data": {}}), 400)
        assert "event" in found["errors"], event
    assert board.seq == before


def test_published_data_are_an_object_of_a_frames_size(board: Board, service: Api) -> None:
    refused: list[object] = [None, [], "x", 7, {"x": "y" * 70_000}]
    for data in refused:
        found = problem(service.post(f"{board.path}/publish/", {"event": "ai:x", "data": data}), 400)
        assert "data" in found["errors"]


def test_nobody_publishes_to_a_deleted_project(board: Board, service: Api) -> None:
    answered(board.owner.delete(f"{board.path}/"), 204)
    event = {"event": "ai:summarised", "data": {}}
    assert problem(service.post(f"{board.path}/publish/", event), 404)["code"] == "not-found"


def test_nobody_publishes_to_what_is_not_there(service: Api) -> None:
    event = {"event": "ai:x", "data": {}}
    assert problem(service.post(f"/api/projects/{uuid4()}/publish/", event), 404)["code"] == "not-found"


def test_a_published_event_happens_once_per_key_too(board: Board, service: Api) -> None:
    before, headers = board.seq, {"Idempotency-Key": f"key-{uuid4()}"}
    event = {"event": "ai:x", "data": {}}
    answers = [service.post(f"{board.path}/publish/", event, headers=headers) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
    assert [e["mutationId"] for e in board.events(since=before)] == [headers["Idempotency-Key"]]


@pytest.mark.parametrize(
    "other",
    [
        {"event": "ai:y", "data": {"of": [1]}},
        {"event": "ai:x", "data": {"of": [1], "z": 1}},
        {"event": "ai:x", "data": {"of": [True]}},  # which Python takes for 1
    ],
)
def test_another_event_under_a_key_that_was_used_is_refused(
    board: Board, service: Api, other: dict[str, object]
) -> None:
    """As if it were the first one it would be answered, and be lost."""
    headers = {"Idempotency-Key": f"key-{uuid4()}"}
    answered(
        service.post(f"{board.path}/publish/", {"event": "ai:x", "data": {"of": [1]}}, headers=headers), 201
    )
    refused = service.post(f"{board.path}/publish/", other, headers=headers)
    assert problem(refused, 422)["code"] == "idempotency-key-reused"


@pytest.mark.parametrize("key", ["x" * 300, "a b", "é"])
def test_a_key_that_does_not_fit_is_a_problem_and_no_fault(board: Board, service: Api, key: str) -> None:
    event = {"event": "ai:x", "data": {}}
    headers = {"Idempotency-Key": key.encode()}
    answer = service.post(f"{board.path}/publish/", event, headers=headers)
    assert answer.status_code in (201, 400), answer.text
    assert board.owner.post(f"{board.path}/tasks/", {"title": "x"}, headers=headers).status_code in (201, 400)


# --- Pages --------------------------------------------------------------------------------------------


def test_a_cookie_writes_only_with_the_token_of_its_page(stack: Stack) -> None:
    """Else any page that a member visits could write to their boards."""
    with session_of(stack.first.http_url, OPERATOR) as browser:
        body = {"name": "By cookie"}
        assert browser.get("/api/me/").json()["username"] == OPERATOR.username
        assert problem(browser.post("/api/projects/", json=body), 403)["code"] == "forbidden"
        token = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": stack.first.http_url}
        assert browser.post("/api/projects/", json=body, headers=token).status_code == 201
        evil = {**token, "Origin": "http://evil.example"}
        assert browser.post("/api/projects/", json=body, headers=evil).status_code == 403


def test_a_bearer_token_comes_before_a_cookie(stack: Stack) -> None:
    with session_of(stack.first.http_url, OPERATOR) as browser:
        bearer = {"Authorization": f"Bearer {stack.token(VIEWER)}"}
        assert browser.get("/api/me/", headers=bearer).json()["username"] == VIEWER.username
        assert browser.get("/api/me/", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_client_finds_its_transport(stack: Stack) -> None:
    answer = httpx.get(f"{stack.first.web_url}/api/realtime/", timeout=10)
    found = answered(answer, 200)
    assert list(found) == ["realtime", "websocketUrl", "pollIntervalMs", "banner"]
    assert found["websocketUrl"] == stack.first.ws_url
    assert (found["realtime"], found["banner"]) == (True, None)
    assert "no-store" in answer.headers["cache-control"]
