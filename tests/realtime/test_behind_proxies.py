"""Behind proxies, from outside: one address, one scheme and one list of cookies for all who ask for them."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.realtime.wire import session_of
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.people import OPERATOR, OWNER
from tests.support.processes import eventually
from tests.support.proxies import HAProxy, Nginx, certificate
from tests.support.sockets import Socket
from tests.support.stack import KINDS, Stack, Templates

HERE, STRANGER = "127.0.0.1", "127.0.0.2"  # where requests come from: a trusted proxy, and anybody
CALLS = 20
SETTINGS = {
    "TRUSTED_PROXIES": f"{HERE},10.0.0.0/8",
    "API_CALLS_PER_MINUTE": str(CALLS),
    "MAX_CONNECTIONS_PER_ADDRESS": "2",
    "LOGIN_FAILURE_LIMIT": "3",
    "ALLOWED_HOSTS": "127.0.0.1,localhost,boards.example.test",
}
Field = tuple[str, str]


@pytest.fixture(scope="module", params=KINDS)
def proxied(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Gateways that trust this machine as a proxy, as long as it does not speak as STRANGER."""
    folder = tmp_path_factory.mktemp(f"proxied-{request.param}")
    stack = Stack(request.param, templates.copy(request.param), folder, SETTINGS)
    yield stack
    stack.stop()


def ask(url: str, *fields: Field, source: str = HERE, json: Any = None) -> httpx.Response:
    """One request with these header lines, several of one name where there are."""
    with httpx.Client(
        transport=httpx.HTTPTransport(verify=False, local_address=source), timeout=10
    ) as client:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in fields]
        return client.request("GET" if json is None else "POST", url, headers=headers, json=json)


def forwarded(*hops: str) -> list[Field]:
    return [("X-Forwarded-For", hop) for hop in hops]


def address_of_socket(stack: Stack, *fields: Field, source: str = HERE) -> str:
    """The address that the audit has of a socket opened with these header lines."""
    at = (source, 0)
    with connect(stack.first.ws_url, additional_headers=fields, proxy=None, source_address=at) as opened:
        return address_in_audit(stack, str(opened.recv(timeout=5)))


def address_in_audit(stack: Stack, hello: str) -> str:
    """Once the audit, which is a second behind, knows the connection of this hello."""

    def known() -> list[Any]:
        records = stack.console("audit_connections", "--json").json()
        return [record for record in records if record["connectionId"] in hello]

    return str(eventually(known, what="the audit to know it")[0]["address"])


# --- Addresses ------------------------------------------------------------------------------------

FORMS = {
    "203.0.113.7": "203.0.113.7",
    "203.0.113.7:17085": "203.0.113.7",
    '"[2001:db8::7]:443"': "2001:db8::7",
    "[fe80::7%25eth0]": "fe80::7",
    "[::ffff:203.0.113.7]": "203.0.113.7",
}
NO_ADDRESS = ["unknown", "_hidden", "unix:", "203.0.113.7, unknown", "' or 1=1", "é", "x" * 6000]


def test_a_log_in_never_fails_for_what_a_proxy_says(proxied: Stack) -> None:
    """Failed ones are counted in the database, in a column of addresses."""
    url = f"{proxied.first.http_url}/api/auth/token/"
    for hop in (*FORMS, *NO_ADDRESS):
        wrong = {"username": f"nobody at {hop[:40]}", "password": "wrong"}
        answer = ask(url, ("X-Forwarded-For", hop), json=wrong)
        assert (hop, answer.status_code) == (hop, 401)


def test_a_blocked_network_is_blocked_in_every_form_and_everywhere(proxied: Stack) -> None:
    board = Board(proxied.api(OWNER), public=True)
    url, blocked = proxied.first.http_url, forwarded("203.0.113.7:17085")
    paths = ("/api/realtime/", f"{board.path}/events/", "/projects")
    assert [ask(url + path, *blocked).status_code for path in paths] == [200, 200, 200]
    proxied.console("block", "203.0.113.7")
    try:
        for form in [hop for hop, address in FORMS.items() if address == "203.0.113.7"]:
            found = [ask(url + path, *forwarded(form)).status_code for path in paths]
            assert (form, found) == (form, [403, 403, 403])
            with closing(Socket(proxied.first.ws_url, headers={"X-Forwarded-For": form})) as socket:
                assert socket.wait_closed() == 4403
        assert ask(f"{url}/api/realtime/", *forwarded("203.0.113.8")).status_code == 200
        assert ask(f"{url}/api/realtime/", *blocked, source=STRANGER).status_code == 200
    finally:
        proxied.console("block", "--lift", "203.0.113.7")


def test_the_audit_knows_where_a_socket_comes_from(proxied: Stack) -> None:
    assert address_of_socket(proxied, *forwarded("6.6.6.6", "203.0.113.7:17085, 10.0.0.2")) == "203.0.113.7"
    assert address_of_socket(proxied, *forwarded("203.0.113.7"), source=STRANGER) == STRANGER
    assert address_of_socket(proxied, *forwarded("unknown")) == HERE
    assert address_of_socket(proxied, ("X_Forwarded_For", "203.0.113.7")) == HERE


def test_log_ins_are_counted_by_the_network_of_an_ipv6_address(proxied: Stack) -> None:
    """Whoever has one address of a /64 has 2^64, and would guess as long as they like."""
    url, wrong = f"{proxied.first.http_url}/api/auth/token/", {"username": "ada", "password": "wrong"}
    found = [ask(url, *forwarded(f"2001:db8::{n}"), json=wrong).status_code for n in range(1, 6)]
    assert found == [401, 401, 429, 429, 429]
    assert ask(url, *forwarded("2001:db8:0:1::1"), json=wrong).status_code == 401


def test_calls_are_counted_by_the_address_that_can_be_believed(proxied: Stack) -> None:
    """A direct client wrote itself a new address for each call; behind two proxies everybody shared one."""
    url = f"{proxied.first.http_url}/api/realtime/"
    numbers = range(100, 110 + CALLS)
    chains = [forwarded(f"203.0.113.{n}", "10.0.0.2, 10.0.0.1") for n in numbers]
    assert {ask(url, *chain).status_code for chain in chains} == {200}
    lies = [ask(url, *forwarded(f"203.0.113.{n}"), source="127.0.0.4") for n in numbers]
    assert [answer.status_code for answer in lies[:CALLS]] == [200] * CALLS
    refused = next(answer for answer in lies if answer.status_code != 200)
    assert answered(refused, 429)["code"] == "rate-limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 60 / CALLS
    neighbours = [ask(url, *forwarded(f"2001:db8:5::{n}")).status_code for n in numbers]
    assert 429 in neighbours  # all of one /64


def test_sockets_are_counted_by_the_address_that_can_be_believed(proxied: Stack) -> None:
    """Three addresses of one network count as one, and others are not held against each other."""

    def opened(address: str) -> Socket:
        return Socket(proxied.first.ws_url, headers={"X-Forwarded-For": address})

    with ExitStack() as open_:
        for address in (
            "2001:db8:9::1",
            "[2001:db8:9::2]:443",
            "2001:db8:9:1::1",
            "203.0.113.90:1",
            "203.0.113.91:1",
        ):
            assert open_.enter_context(opened(address)).request("ping")["event"] == "ack"
        with opened("2001:db8:9::3") as third:
            assert third.wait_closed() == 4503


# --- Scheme and host --------------------------------------------------------------------------------


def test_only_a_trusted_proxy_says_which_scheme_was_used(proxied: Stack) -> None:
    url, https = f"{proxied.first.http_url}/api/realtime/", ("X-Forwarded-Proto", "https")
    told = ask(url, *forwarded("203.0.113.50"), https).json()["websocketUrl"]
    assert told == f"wss://127.0.0.1:{proxied.first.port}/ws"
    lied = ask(url, *forwarded("203.0.113.50"), https, source="127.0.0.3").json()["websocketUrl"]
    assert lied == proxied.first.ws_url


def test_gateways_on_different_ports_tell_the_same_address(proxied: Stack) -> None:
    asked = [*forwarded("203.0.113.51"), ("X-Forwarded-Proto", "https"), ("Host", "boards.example.test")]
    answers = [ask(f"{gateway.http_url}/api/realtime/", *asked) for gateway in proxied.gateways]
    assert {answer.json()["websocketUrl"] for answer in answers} == {"wss://boards.example.test/ws"}


# --- Cookies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [True, False], ids=["the session last", "the session first"])
def test_cookies_in_several_lines_log_in_everywhere(proxied: Stack, last: bool) -> None:
    """HTTP/2 splits them, and some proxies hand on the pieces as they are."""
    base, client = proxied.first.http_url, ("X-Forwarded-For", f"203.0.113.{60 + last}")
    board = Board(proxied.api(OWNER))
    proxied.api(OWNER).post(f"{board.path}/members/", {"username": OPERATOR.username, "role": "viewer"})
    with session_of(base, OPERATOR) as browser:
        lines = [("Cookie", f"sessionid={browser.cookies['sessionid']}"), ("Cookie", "theme=dark")]
    fields = [*(reversed(lines) if last else lines), client, ("Origin", base)]
    assert ask(f"{base}/api/me/", *fields).json()["username"] == OPERATOR.username
    assert ask(f"{base}{board.path}/events/", *fields).status_code == 200
    with connect(proxied.first.ws_url, additional_headers=fields, proxy=None) as socket:
        assert OPERATOR.username in str(socket.recv(timeout=5))
    engine = f"{base}/socket.io/?EIO=4&transport=polling"
    session = ask(engine, *fields).text.split('"sid":"')[1].split('"')[0]
    with httpx.Client(headers=fields, timeout=10) as client_of_engine:
        client_of_engine.post(f"{engine}&sid={session}", content="40")
        assert OPERATOR.username in client_of_engine.get(f"{engine}&sid={session}").text


# --- Through nginx and HAProxy ------------------------------------------------------------------------

NAME = "boards.example.test"
NGINX = """
server {{
    listen 127.0.0.1:@PORT@ ssl; listen 127.0.0.1:@PORT2@;
    ssl_certificate {crt}; ssl_certificate_key {key};
    location / {{
        proxy_pass {upstream};
        proxy_http_version 1.1;
        proxy_set_header Host {host};
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto {scheme};
    }}
}}
"""
HAPROXY = """
listen boards
    bind 127.0.0.1:@PORT@ ssl crt {pem}
    option forwardfor
    http-request set-header X-Forwarded-Proto https
    server one {upstream}
"""


class Tls:
    """A certificate of NAME, and a browser's client that takes it."""

    def __init__(self, folder: Path) -> None:
        self.crt, self.key = certificate(folder, NAME)
        self.pem = folder / "both.pem"
        self.pem.write_text(self.crt.read_text() + self.key.read_text())
        self.context = ssl.create_default_context(cafile=str(self.crt))

    def check(self, stack: Stack, port: int) -> None:
        """All that depends on what a proxy says, at https://NAME:port by a client at STRANGER."""
        base = f"https://{NAME}:{port}"
        transport = httpx.HTTPTransport(verify=False, local_address=STRANGER)
        at = {"Host": f"{NAME}:{port}", "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http"}
        with httpx.Client(transport=transport, headers=at, timeout=20) as browser:
            url = f"https://127.0.0.1:{port}"
            assert browser.get(f"{url}/api/realtime/").json()["websocketUrl"] == f"wss://{NAME}:{port}/ws"
            token = browser.get(f"{url}/login").cookies["csrftoken"]
            form = {**OPERATOR.credentials, "csrfmiddlewaretoken": token}
            cookies = {"Origin": base, "Cookie": f"csrftoken={token}"}
            logged_in = browser.post(f"{url}/login", data=form, headers=cookies)
            assert logged_in.status_code == 302, logged_in.text
        session = f"sessionid={logged_in.cookies['sessionid']}"
        raw = socket.create_connection((HERE, port), 10, source_address=(STRANGER, 0))
        fields = {"Cookie": session, "X-Forwarded-For": "6.6.6.6"}
        with connect(
            f"wss://{NAME}:{port}/ws",
            sock=raw,
            ssl=self.context,
            origin=Origin(base),
            additional_headers=fields,
        ) as opened:
            hello = str(opened.recv(timeout=10))
            assert OPERATOR.username in hello
            assert address_in_audit(stack, hello) == STRANGER


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"))


def nginx(stack: Stack, tls: Tls, folder: Path, host: str = "$http_host", scheme: str = "$scheme") -> Nginx:
    upstream = stack.second.http_url
    text = NGINX.format(crt=tls.crt, key=tls.key, upstream=upstream, host=host, scheme=scheme)
    return Nginx(text, folder)


def test_through_nginx_with_tls(proxied: Stack, tls: Tls, tmp_path: Path) -> None:
    with nginx(proxied, tls, tmp_path) as proxy:
        tls.check(proxied, proxy.port)


def test_through_nginx_that_asks_for_a_host_of_its_own(proxied: Stack, tls: Tls, tmp_path: Path) -> None:
    with nginx(proxied, tls, tmp_path, host="localhost") as proxy:
        tls.check(proxied, proxy.port)


def test_through_haproxy_with_tls_and_nginx_behind_it(proxied: Stack, tls: Tls, tmp_path: Path) -> None:
    """Two lines of X-Forwarded-For by the one, one list by the other."""
    with nginx(proxied, tls, tmp_path, scheme="$http_x_forwarded_proto") as inner:
        direct = HAPROXY.format(pem=tls.pem, upstream=f"127.0.0.1:{proxied.second.port}")
        with HAProxy(direct, tmp_path) as proxy:
            tls.check(proxied, proxy.port)
        chained = HAPROXY.format(pem=tls.pem, upstream=f"127.0.0.1:{inner.second_port}")
        with HAProxy(chained, tmp_path) as proxy:
            tls.check(proxied, proxy.port)
