"""Device cookies: they tell an honest browser from strangers, and are no credential."""

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory
from pytest_django import Settings

from devmentor.passwords import Hasher
from realtime import devices
from realtime.devices import MOST_NAMES, Device
from realtime.log_in_attempts import LONGEST_FORM, Claim, LogInAttempts, NameLimits, read_claim
from realtime.log_in_lock import lasting

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def known_device(cookies: str, media_type: str, body: bytes) -> Device | None:
    return read_claim("203.0.113.1", cookies, media_type, body).device


def cookies(device: Device) -> str:
    return f"theme=dark; {devices.COOKIE}={device.cookie()}"


def test_a_cookie_is_read_as_it_was_written() -> None:
    device = Device("one").with_log_in("olive", "a").with_log_in("edgar", "b")
    found = devices.read(device.cookie())
    assert found == device
    assert (found.password_of("olive"), found.password_of("edgar")) == ("a", "b")
    assert found.password_of("vera") is None


def test_it_names_nobody() -> None:
    assert "olive" not in Device("one").with_log_in("olive", "a").cookie()


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: "x" + c, lambda c: "", lambda c: "é~:"])
def test_one_that_was_changed_is_nobodys(change: Any) -> None:
    assert devices.read(change(Device("one").with_log_in("olive", "a").cookie())) is None


def test_the_last_people_of_a_browser_are_known() -> None:
    device = Device("one")
    for number in range(MOST_NAMES + 1):
        device = device.with_log_in(f"person {number}", "a")
    assert device.password_of("person 0") is None
    assert device.password_of(f"person {MOST_NAMES}") == "a"
    assert len(device.cookie()) < 300


@pytest.mark.parametrize(
    "media_type, body",
    [
        (FORM, b"csrfmiddlewaretoken=x&username=olive&password=y"),
        (FORM, b"username=+olive+"),
        (FORM, b"username=edgar&username=olive"),
        (JSON, b'{"username": "olive", "password": "x"}'),
        ("Application/JSON", b'{"username": "edgar", "username": "olive"}'),
        (f"{JSON}; charset=utf-8", b'{"username": " olive"}'),
    ],
)
def test_a_browser_is_known_by_the_name_that_is_tried(media_type: str, body: bytes) -> None:
    olive = Device("one").with_log_in("olive", "a")
    assert known_device(cookies(olive), media_type, body) == olive
    assert known_device(cookies(Device("two").with_log_in("edgar", "a")), media_type, body) is None
    assert known_device("theme=dark", media_type, body) is None
    assert read_claim("203.0.113.1", "", media_type, body).name == devices.digest("olive")


@pytest.mark.parametrize(
    "media_type, body",
    [
        (FORM, b""),
        (FORM, b"username=%ff\xff"),
        (FORM, b"&".join([b"username=olive"] * 30)),
        (FORM, b"username=olive&x=" + b"x" * LONGEST_FORM),
        ("multipart/form-data; boundary=x", b"username=olive"),
        ("text/plain", b"username=olive"),
        ("", b"username=olive"),
        (JSON, b""),
        (JSON, b"[1]"),
        (JSON, b'{"username": ["olive"]}'),
        (JSON, b'{"username": "\\ud800"}'),
        (JSON, b"[" * 10_000),
    ],
)
def test_bodies_that_are_no_log_in_are_nobodys(media_type: str, body: bytes) -> None:
    assert known_device(cookies(Device("one").with_log_in("olive", "a")), media_type, body) is None
    assert read_claim("203.0.113.1", "", media_type, body).name is None


def test_an_address_and_a_browser_are_counted_apart() -> None:
    attempts, device = LogInAttempts(4), Device("one")
    assert [attempts.take("203.0.113.1", None, 0) is not None for _ in range(5)] == [True] * 4 + [False]
    assert attempts.take("203.0.113.2", None, 0) is not None
    assert [attempts.take("203.0.113.1", device, 0) is not None for _ in range(3)] == [True, True, False]
    assert attempts.wait("203.0.113.1", 0) == pytest.approx(15)
    assert attempts.take("203.0.113.1", None, 15) is not None


def test_a_network_of_ipv6_is_one_address() -> None:
    attempts = LogInAttempts(2)
    assert [attempts.take(f"2001:db8::{n}", None, 0) is None for n in range(3)] == [False, False, True]


def test_one_that_succeeded_is_given_back() -> None:
    attempts = LogInAttempts(1)
    for device in (None, Device("one")):
        for _ in range(3):
            taken = attempts.take("203.0.113.1", device, 0)
            assert taken is not None
            attempts.give_back(taken, 0)


def test_no_limit_counts_nothing() -> None:
    attempts = LogInAttempts(0)
    assert all(attempts.take("203.0.113.1", None, 0) for _ in range(100))


def test_a_name_succeeds_so_often_a_minute_whatever_the_browser() -> None:
    names = NameLimits(30, places=2)
    for number in range(60):
        claim = Claim(f"203.0.113.{number}", "olive", Device(f"{number}"))
        assert not names.wait(claim, 0)
        names.count_success(claim, 0)
    assert names.wait(Claim("203.0.113.200", "olive"), 0) == pytest.approx(1)
    assert not names.wait(Claim("203.0.113.1", "edgar"), 0)
    assert not names.wait(Claim("203.0.113.200", "olive"), 1)


def test_places_are_of_a_name_in_known_browsers_and_elsewhere_of_it_at_an_address() -> None:
    names = NameLimits(1, places=1)
    known, stranger = Claim("203.0.113.1", "olive", Device("one")), Claim("203.0.113.1", "olive")
    with names.place(known):
        assert not names.has_place(Claim("203.0.113.2", "olive", Device("two")))
        assert names.has_place(stranger)
    with names.place(Claim("2001:db8::1", "olive")):
        assert names.has_place(known)
        assert names.has_place(stranger)
        assert not names.has_place(Claim("2001:db8::2", "olive"))
        assert names.has_place(Claim("2001:db8::2", "edgar"))
    assert names.has_place(Claim("2001:db8::2", "olive"))


@pytest.mark.parametrize(
    "seconds, words", [(0.2, "1 second"), (2, "2 seconds"), (90, "90 seconds"), (91, "2 minutes")]
)
def test_a_wait_is_never_told_shorter_than_it_is(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


@pytest.mark.django_db
def test_a_browser_is_forgotten_with_the_password_and_the_user() -> None:
    user = get_user_model().objects.create_user("olive", password="a long enough pass phrase")
    request = RequestFactory().get("/")
    devices.remember(request, user)
    request.COOKIES[devices.COOKIE] = request.device.cookie()  # type: ignore[attr-defined]
    assert devices.known_to(request, "olive") is not None
    assert devices.known_to(request, "edgar") is None
    for change in ({"password": "!"}, {"log_ins_ended": 1}, {"is_active": False}):
        get_user_model().objects.filter(pk=user.pk).update(**change)
        assert devices.known_to(request, "olive") is None
        get_user_model().objects.filter(pk=user.pk).update(
            password=user.password, log_ins_ended=0, is_active=True
        )
    assert devices.known_to(request, "olive") is not None


@pytest.mark.django_db
def test_a_name_that_is_not_there_costs_what_a_known_one_does(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time of an answer tells who has an account."""
    settings.PASSWORD_HASHERS = ["devmentor.passwords.Hasher"]
    get_user_model().objects.create_user("olive", password="a long enough pass phrase")
    get_user_model().objects.create_user("otto", password="a long enough pass phrase", is_active=False)
    hashed = list[str]()
    encode = Hasher.encode

    def counted(self: Hasher, password: str, salt: str, iterations: int | None = None) -> str:
        hashed.append(password)
        return encode(self, password, salt, iterations)

    monkeypatch.setattr(Hasher, "encode", counted)
    for name in ("olive", "otto", "nobody"):
        body = json.dumps({"username": name, "password": f"wrong for {name}"})
        assert Client().post("/api/auth/token/", body, JSON).status_code == 401
    assert hashed == ["wrong for olive", "wrong for otto", "wrong for nobody"]
