"""Browsers that have logged in before, known by a device cookie.

The cookie holds a random id, and for each of the last names that logged in there a digest of the name and of
what that user's log-ins are held to. It is no credential: it only tells an honest person from strangers who
try the same name or share the address, as OWASP's "device cookies" do. A new password and *Log out
everywhere* end it.
"""

import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.signing import BadSignature, TimestampSigner
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from realtime import tokens

COOKIE = "devmentor_device"
LIVES_SECONDS = 365 * 24 * 3600  # from the last log-in
MOST_NAMES = 4  # people who share a browser
DIGEST_LENGTH = 16

_signer = TimestampSigner(salt="realtime.devices")


@dataclass(frozen=True, slots=True)
class Device:
    """One browser: `log_ins` are the digests of a name and of its user's password, the latest first."""

    id: str
    log_ins: tuple[tuple[str, str], ...] = ()

    def password_of(self, name: str) -> str | None:
        """The digest for the user of that name; None where nobody has logged in here under it."""
        return dict(self.log_ins).get(digest(name))

    def with_log_in(self, name: str, auth: str) -> "Device":
        others = [log_in for log_in in self.log_ins if log_in[0] != digest(name)]
        return Device(self.id, ((digest(name), auth), *others)[:MOST_NAMES])

    def cookie(self) -> str:
        return _signer.sign("~".join([self.id, *(f"{name}.{auth}" for name, auth in self.log_ins)]))


def read(cookie: str) -> Device | None:
    """The browser of a cookie of ours; None for any other text. Asks no database."""
    try:
        id_, *log_ins = _signer.unsign(cookie, max_age=LIVES_SECONDS).split("~")
    except BadSignature:
        return None
    pairs = (log_in.partition(".") for log_in in log_ins)
    return Device(id_, tuple((name, auth) for name, _, auth in pairs))


def known_to(request: HttpRequest, name: str) -> Device | None:
    """The browser of a request, where the user of that name has logged in by their present password."""
    device = read(request.COOKIES.get(COOKIE, ""))
    then = device.password_of(name) if device else None
    if then is None:
        return None
    users = get_user_model()
    user = users._default_manager.filter(**{users.USERNAME_FIELD: name}, is_active=True).first()
    if user is None or not constant_time_compare(then, tokens.auth_digest(user.get_session_auth_hash())):
        return None
    return device


def remember(request: HttpRequest, user: Any) -> None:
    """The answer to this request makes its browser one that this user has logged in from."""
    device = read(request.COOKIES.get(COOKIE, "")) or Device(secrets.token_urlsafe(12))
    auth = tokens.auth_digest(user.get_session_auth_hash())
    request.device = device.with_log_in(user.get_username(), auth)  # type: ignore[attr-defined]


@receiver(user_logged_in)
def _remember(request: HttpRequest | None, user: Any, **_: object) -> None:
    if request is not None:
        remember(request, user)


class DeviceMiddleware:
    """Sends the cookie after a log-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        device: Device | None = getattr(request, "device", None)
        if device is not None:
            response.set_cookie(
                COOKIE,
                device.cookie(),
                max_age=LIVES_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Strict",
            )
        return response


def digest(name: str) -> str:
    """Stands for a username, in whichever way it is written."""
    spelled = unicodedata.normalize("NFKC", name.strip())
    return salted_hmac("realtime.devices.name", spelled, algorithm="sha256").hexdigest()[:DIGEST_LENGTH]
