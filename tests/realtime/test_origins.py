"""Origins: one spelling, compared the same by sockets, polls, the API and forms."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from realtime.origins import allowed, canonical, canonical_host, port_of, takes_cookies
from tests.support.api import Api, log_in
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.raw_http import Answer, RawHttp, chunks, head
from tests.support.sockets import Socket
from tests.support.stack import Templates

# --- Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written, sent",
    [
        ("https://boards.example.com", "https://boards.example.com"),
        ("HTTPS://Boards.Example.COM", "https://boards.example.com"),
        ("https://boards.example.com:443", "https://boards.example.com"),
        ("http://boards.example.com:80", "http://boards.example.com"),
        ("http://boards.example.com:443", "http://boards.example.com:443"),
        ("https://boards.example.com:08443", "https://boards.example.com:8443"),
        ("https://boards.example.com.", "https://boards.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example:443", "https://xn--bcher-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("http://[0:0:0:0:0:0:0:1]:3001", "http://[::1]:3001"),
        ("http://[2001:DB8::7]", "http://[2001:db8::7]"),
        ("http://127.0.0.1:3001", "http://127.0.0.1:3001"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("app://-", "app://-"),
        ("chrome-extension://Abcdef", "chrome-extension://abcdef"),
        ("moz-extension://5d0c2b1c-0000", "moz-extension://5d0c2b1c-0000"),
        ("null", "null"),
    ],
)
def test_an_origin_has_one_spelling(written: str, sent: str) -> None:
    assert canonical(written) == sent
    assert canonical(sent) == sent


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "localhost", "localhost:3001", "//localhost:3001", "http://", "http://[", "http://a:port"),
        *(
            "http://a:99999",
            "http://a:0",
            "http://a:",
            "http://a/b",
            "http://a?b",
            "http://a#b",
            "http://u@a",
        ),
        *(
            "https://*.example.org",
            "ws://a",
            "wss://a",
            "javascript:alert(1)",
            "data:text/html,x",
            "blob:http://a",
        ),
        *(
            "http://a b",
            "http://a_b",
            "http://999.1.1.1",
            "http://[::1%25lo]",
            "app://",
            "app://a/b",
            "app://a:1",
        ),
        *("https://a..b", "http://a\\b", "http://xn--\ud800.example", "https://a,https://b"),
    ],
)
def test_what_is_no_origin_is_none(text: str) -> None:
    assert canonical(text) is None
    assert not allowed(text, ["http://a", "https://a"], "http://a")


@given(st.text(max_size=40))
def test_any_text_is_an_origin_of_one_spelling_or_none(text: str) -> None:
    for found in (canonical(text), canonical(f"http://{text}")):
        assert found is None or canonical(found) == found


def test_hosts_have_one_spelling() -> None:
    assert canonical_host("::1") == canonical_host("[0:0::1]") == "[::1]"
    assert canonical_host("Boards.Example.") == "boards.example"
    assert canonical_host("a b") is canonical_host("a:80") is canonical_host("*") is None


def test_null_matches_only_where_it_is_listed_and_never_speaks_with_a_cookie() -> None:
    """Every sandboxed frame and every file has it, whoever wrote it."""
    assert not allowed("null", ["http://a"], None)
    assert not allowed("null", ["http://a"], "null://")
    assert allowed("null", ["http://a", "null"])
    assert not takes_cookies("null")
    assert takes_cookies("capacitor://localhost")


def test_the_port_of_an_origin_is_also_the_default_one() -> None:
    assert [port_of(each) for each in ("http://a", "https://a", "http://[::1]:3001")] == [80, 443, 3001]


# --- Everywhere -----------------------------------------------------------------------------------

LISTED = "https://Boards.Example.com:443,https://bücher.example,capacitor://localhost,null"
SENT = [
    "https://boards.example.com",
    "https://boards.example.com:443",
    "https://xn--bcher-kva.example",
    "capacitor://localhost",
]
FOREIGN = [
    "https://boards.example.org",
    "http://boards.example.com",
    "capacitor://evil",
    "https://boards.example.com:8443",
]


@pytest.fixture(scope="module")
def gateway(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = {"DATABASE_URL": templates.copy("embedded"), "CORS_ORIGIN": LISTED}
    with Gateway(settings, tmp_path_factory.mktemp("gateway")) as started:
        yield started


@pytest.fixture(scope="module")
def board(gateway: Gateway) -> Iterator[Board]:
    api = Api(gateway.http_url, log_in(gateway.http_url, OWNER))
    yield Board(api)
    api.close()


@pytest.fixture(scope="module")
def page(gateway: Gateway) -> Iterator[httpx.Client]:
    """A browser that is logged in by cookie."""
    with httpx.Client(base_url=gateway.http_url, timeout=20) as client:
        client.get("/login")
        form = {**OWNER.credentials, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        assert client.post("/login", data=form).status_code == 302
        yield client


def readable(answer: httpx.Response, origin: str) -> bool:
    return answer.headers.get("access-control-allow-origin") == origin


def answers(gateway: Gateway, board: Board, page: httpx.Client, origin: str) -> dict[str, bool]:
    """What a page of that origin may do, by each way."""
    headers = {"Origin": origin, "Authorization": f"Bearer {board.owner.token}"}
    asked = {**headers, "Access-Control-Request-Method": "PATCH"}
    path = f"/api/projects/{board.id}"
    written = page.post(
        f"{path}/tasks/",
        json={"title": "T"},
        headers={"Origin": origin, "X-CSRFToken": page.cookies["csrftoken"]},
    )
    return {
        "api": readable(httpx.get(f"{gateway.http_url}{path}/", headers=headers), origin),
        "preflight": readable(httpx.options(f"{gateway.http_url}{path}/", headers=asked), origin),
        "poll": readable(httpx.get(f"{gateway.http_url}{path}/events/?since=0", headers=headers), origin),
        "write": written.status_code == 201,
        "socket": opens(gateway, origin),
        "socket.io": httpx.get(
            f"{gateway.http_url}/socket.io/?EIO=4&transport=polling", headers={"Origin": origin}
        ).status_code
        == 200,
    }


def opens(gateway: Gateway, origin: str, headers: dict[str, str] | None = None) -> bool:
    try:
        with Socket(gateway.ws_url, origin=origin, headers=headers):
            return True
    except InvalidStatus:
        return False


@pytest.mark.parametrize("origin", SENT)
def test_a_listed_origin_is_let_in_everywhere(origin, gateway, board, page) -> None:
    found = answers(gateway, board, page, origin)
    assert found == dict.fromkeys(found, True)


@pytest.mark.parametrize("origin", FOREIGN)
def test_any_other_is_let_in_nowhere(origin, gateway, board, page) -> None:
    found = answers(gateway, board, page, origin)
    assert found == dict.fromkeys(found, False)


LONG = "x" * 70_000
# What is refused before its route is known, by the server and by what reads bodies; headers, and the body.
REFUSED = {
    414: (f"?q={LONG[:17_000]}", {}, b""),
    431: ("", {"X_Long": LONG}, b""),
    400: ("", {"Transfer_Encoding": "chunked", "Content_Length": "3"}, b"abc"),
    413: ("", {"Content_Length": "3000000"}, b""),
    501: ("", {"Transfer_Encoding": "gzip, chunked"}, chunks(b"{}")),
}


def refused(gateway: Gateway, path: str, *parts: bytes, **headers: str) -> Answer:
    with RawHttp(gateway.http_url) as door:
        door.send(head("POST", path, door.host, **headers), *parts)
        return door.answer()


@pytest.mark.parametrize("status", REFUSED)
def test_a_page_may_read_why_it_is_refused_before_its_route_is_known(status, gateway) -> None:
    """Else its browser tells it of a network that failed, and it tries again without end."""
    query, headers, body = REFUSED[status]
    path = f"/api/projects/{query}"
    answer = refused(gateway, path, body, Origin=SENT[0], **headers)
    assert (answer.status, answer.headers.get("access-control-allow-origin")) == (status, SENT[0])
    assert answer.headers["vary"] == "Origin"
    foreign = refused(gateway, path, body, Origin="https://evil.example", **headers)
    assert (foreign.status, "access-control-allow-origin" in foreign.headers) == (status, False)
    elsewhere = refused(gateway, f"/projects/{query}", body, Origin=SENT[0], **headers)
    assert (elsewhere.status, "access-control-allow-origin" in elsewhere.headers) == (status, False)


def test_a_page_may_read_why_its_body_or_its_headers_are_refused(gateway) -> None:
    """In the middle of a body, and where Authorization comes twice."""
    broken = refused(gateway, "/api/projects/", b"x\r\n", Origin=SENT[0], Transfer_Encoding="chunked")
    twice = refused(gateway, "/api/projects/", Origin=SENT[0], Authorization="x", authorization="y")
    for answer in (broken, twice):
        assert (answer.status, answer.headers.get("access-control-allow-origin")) == (400, SENT[0])


def test_null_that_is_listed_goes_by_token_alone(gateway, board, page) -> None:
    """A sandboxed frame of anybody's would else act with the cookie of whoever looks at it."""
    found = answers(gateway, board, page, "null")
    assert found == {**dict.fromkeys(found, True), "write": False}
    path = f"{gateway.http_url}/api/projects/{board.id}"
    polls = f"{gateway.http_url}/socket.io/?EIO=4&transport=polling"
    for address in (f"{path}/", f"{path}/events/?since=0", polls):
        answer = httpx.get(
            address, headers={"Origin": "null", "Authorization": f"Bearer {board.owner.token}"}
        )
        assert readable(answer, "null")
        assert "access-control-allow-credentials" not in answer.headers
    cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    assert opens(gateway, SENT[0], {"Cookie": cookies})
    assert not opens(gateway, "null", {"Cookie": cookies})


def test_the_servers_own_origin_is_its_own_with_and_without_the_default_port(gateway, page) -> None:
    """nginx with `Host $host:$server_port` says :443 or :80, where a browser leaves it out."""
    token = page.cookies["csrftoken"]
    headers = {"Host": "localhost:80", "Origin": "http://localhost", "X-CSRFToken": token}
    answer = page.post("/api/projects/", json={"name": "P"}, headers=headers)
    assert answer.status_code == 201, answer.text


def test_a_page_of_another_origin_may_send_what_tracing_adds(gateway) -> None:
    headers = {"Origin": SENT[0], "Access-Control-Request-Method": "PATCH"}
    answer = httpx.options(f"{gateway.http_url}/api/me/", headers=headers)
    taken = set(answer.headers["access-control-allow-headers"].split(", "))
    assert {
        "traceparent",
        "tracestate",
        "baggage",
        "sentry-trace",
        "x-request-id",
        "x-requested-with",
    } <= taken
    assert {
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "x-csrftoken",
        "x-expected-user",
    } <= taken
