"""Lists and addresses in the environment: what can never match stops the start, and no secret is shown."""

from collections.abc import Callable
from typing import Any

import pytest

from devmentor import env

Read = Callable[[str], Any]


def read_servers(name: str) -> Any:
    return [env.redis_host(name, url) for url in env.redis_urls(name)]


def read_database(name: str) -> Any:
    return env.database(name, "")


def read_hosts(name: str) -> Any:
    return env.hosts(name, "")


def read_origins(name: str) -> Any:
    return env.origins(name, "")


def read_public(name: str) -> Any:
    return env.url(name, "", ("ws", "wss"))


def read_webhook(name: str) -> Any:
    return env.url(name, "", ("https",), secret=True)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Read, str], Any]:
    def reading(reader: Read, text: str) -> Any:
        monkeypatch.setenv("SOME_NAME", text)
        return reader("SOME_NAME")

    return reading


@pytest.fixture
def complaint(read: Callable[[Read, str], Any]) -> Callable[[Read, str], str]:
    """The line with which a value is refused."""

    def complained(reader: Read, text: str) -> str:
        with pytest.raises(SystemExit) as caught:
            read(reader, text)
        line = str(caught.value)
        assert line.startswith("SOME_NAME")
        assert "expected" in line
        assert "\n" not in line
        return line

    return complained


# --- Hosts and origins ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("https://boards.example.com", "boards.example.com:8443", "*.example.com", "boards.example.com/"),
        *('["a"]', "a b", "a_b", "http://*", "..", "[::1", "::1:g", "user@host", "999.1.1.1", ","),
    ],
)
def test_a_host_that_never_matches_stops_the_start(text, complaint) -> None:
    assert ".example.com (and all below it)" in complaint(read_hosts, text)


def test_hosts_are_what_django_compares(read) -> None:
    found = read(read_hosts, "Boards.Example.COM., ::1,[0:0::2],.Example.com,bücher.example,*,10.0.0.7, ")
    assert found == [
        *("boards.example.com", "[::1]", "[::2]", ".example.com", "xn--bcher-kva.example", "*", "10.0.0.7")
    ]


def test_one_bad_item_of_a_list_is_named(complaint) -> None:
    assert "'b.example:80'" in complaint(read_hosts, "a.example,b.example:80,c.example")
    assert "'https://*.b.example'" in complaint(read_origins, "https://a.example,https://*.b.example")


@pytest.mark.parametrize(
    "text, hint",
    [
        ("https://*.example.org", "without *"),
        ("boards.example.com", "http:// or https:// in front"),
        ("https://a/boards", "no path"),
        ("ws://a", "where the page is from"),
    ],
)
def test_the_refusal_of_an_origin_says_what_is_wrong(text, hint, complaint) -> None:
    assert hint in complaint(read_origins, text)


def test_origins_are_brought_to_the_spelling_of_browsers(read) -> None:
    found = read(
        read_origins,
        "https://A.example:443/,https://bücher.example,null,capacitor://localhost,https://a.example",
    )
    assert found == ["https://a.example", "https://xn--bcher-kva.example", "null", "capacitor://localhost"]


@pytest.mark.parametrize("text", ["wss://user:s3cret@a/ws", "wss://s3cret@a/ws", "wss://a/ws#s3cret"])
def test_what_clients_are_told_is_what_a_browser_can_open_and_no_secret(text, complaint) -> None:
    assert "without a user name and a fragment" in complaint(read_public, text)


# --- Databases ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, host, port",
    [
        ("postgres://u:p@h1:5432,h2:5433/db", "h1,h2", "5432,5433"),
        ("postgres://u:p@h1,h2:5433/db", "h1,h2", ",5433"),
        ("postgres://u:p@h1,h2/db", "h1,h2", ""),
        ("postgresql://u@[::1]:5433,[2001:db8::7]/db", "::1,2001:db8::7", "5433,"),
        ("postgres://u@h:5432/db", "h", "5432"),
        ("postgres://%2Frun%2Fpostgresql/db", "/run/postgresql", ""),
        ("postgres:///db?host=/run/postgresql", "", ""),
    ],
)
def test_hosts_of_postgresql_go_to_libpq(text, host, port, read) -> None:
    found = read(read_database, text)
    assert (found["HOST"], str(found["PORT"]), found["NAME"]) == (host, port, "db")


def test_options_of_an_address_stay(read) -> None:
    text = "postgres://u:p%2Fw%40@h1,h2/db?target_session_attrs=read-write&sslmode=require&host=/x"
    found = read(read_database, text)
    assert found["PASSWORD"] == "p/w@"
    assert found["OPTIONS"] == {"target_session_attrs": "read-write", "sslmode": "require", "host": "/x"}


def test_a_file_of_sqlite_may_have_an_at_sign(read) -> None:
    assert read(read_database, "sqlite:////srv/a@b.sqlite3")["NAME"] == "/srv/a@b.sqlite3"


# --- Secrets --------------------------------------------------------------------------------------

LEAKS: list[tuple[Read, str]] = [
    *((read_database, f"postgres://app:s3cret{char}s3cret@db/boards") for char in "/?#[]"),
    *((read_database, f"postgres://app:12{char}s3cret@db/boards") for char in "/?#"),
    *((read_database, f"postgres://app:{text}") for text in ("s3cret", "s3cret/db", "s3/cret@h:x/db")),
    (read_database, "mysql://app:s3cret@db/boards"),
    (read_database, "sqlite://s3cret@[/db"),
    (read_database, "app:s3cret@db/boards"),
    (read_database, "postgres://db/boards?password=s3cret&sslmod=x"),
    (read_database, "postgres://app:s3cret@db?x"),
    *((read_servers, f"redis://:s3cret{char}s3cret@r:6379/0") for char in "/?#[,"),
    *((read_servers, f"redis://:12{char}s3cret@r:6379/0") for char in "/?#,"),
    (read_servers, "redis://r:6379/0?passwort=s3cret"),
    (read_servers, "redis+sentinel://:s3cret@r:26379"),
    *((read_database, f"{start}host=db password=s3cret") for start in ("", "postgres://")),
    (read_database, "jdbc:postgresql://db:5432/boards;password=s3cret"),
    (read_servers, "r:6379,password=s3cret,ssl=True"),
    (read_webhook, "s3cret"),
    (read_webhook, "hooks.example/services/s3cret"),
    (read_webhook, "http://hooks.example/services/s3cret"),
    (read_webhook, "https://hooks.example:x/services/s3cret?key=s3cret"),
]


@pytest.mark.parametrize("reader, text", LEAKS, ids=[text for _, text in LEAKS])
def test_no_secret_is_in_the_refusal(reader, text, complaint) -> None:
    """The line ends in logs that many read."""
    line = complaint(reader, text)
    assert "s3cret" not in line
    assert "cret" not in line.replace("secret", "")


@pytest.mark.parametrize("char", "/?#[")
def test_the_refusal_says_that_such_a_password_is_to_be_encoded(char, complaint) -> None:
    assert "percent-encode" in complaint(read_database, f"postgres://app:12{char}34@db/boards")
    assert "percent-encode" in complaint(read_servers, f"redis://app:12{char}34@r:6379/0")


# --- Redis ----------------------------------------------------------------------------------------


def test_valkey_is_redis(read) -> None:
    found = read(read_servers, "valkey://a:1/0, valkeys://:p@b")
    assert [host["address"] for host in found] == ["redis://a:1/0", "rediss://:p@b"]


def test_the_hosts_of_a_sentinel_are_one_server(read) -> None:
    address = "redis+sentinel://u:p%2C@s1,s2:26380/mymaster/3?sentinel_password=q,redis://other:6379"
    (sentinel, other) = read(read_servers, address)
    assert sentinel["sentinels"] == [("s1", 26379), ("s2", 26380)]
    assert (sentinel["master_name"], sentinel["db"]) == ("mymaster", 3)
    assert (sentinel["username"], sentinel["password"]) == ("u", "p,")
    assert sentinel["sentinel_kwargs"]["password"] == "q"
    assert other["address"] == "redis://other:6379"
    assert all(host["socket_timeout"] for host in (sentinel, other, sentinel["sentinel_kwargs"]))


def test_a_sentinel_needs_the_name_of_its_master(complaint) -> None:
    assert "redis+sentinel://host:26379/mymaster/0" in complaint(read_servers, "redis+sentinel://s1:26379")


@pytest.mark.parametrize(
    "text",
    [
        *("redis://", "redis://h:0", "redis://h:99999", "unix://", "rediss://h?ssl_cert_reqs=x"),
        *(
            "redis://h?db=x",
            "redis://h/x",
            "redis://h/-1",
            "redis://h/0/1",
            "redis://h?db=-1",
            "unix:///s?db=-1",
            "redis://h?decode_responses=false",
        ),
    ],
)
def test_an_address_that_redis_py_would_refuse_later_stops_the_start(text, complaint) -> None:
    assert "redis://" in complaint(read_servers, text)


def test_a_scheme_of_service_links_is_none_of_an_address(monkeypatch) -> None:
    monkeypatch.setenv("STORE_URL", "tcp://10.0.0.1:6379")
    with pytest.raises(SystemExit, match="redis://"):
        read_servers("STORE_URL")


# --- What Kubernetes sets -------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["tcp://10.96.0.12:80", "udp://10.96.0.12:53", "tcp://[fd00::1]:80"])
def test_a_service_link_is_no_setting(link, read) -> None:
    assert read(lambda name: env.whole(name, 3001), link) == 3001
    assert env.ignored.pop("SOME_NAME") == link
