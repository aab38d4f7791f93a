"""Logging in and out, by plain forms."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware import csrf
from django.shortcuts import redirect, render
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from projects import services
from projects.models import User

WRONG = "That username and password do not go together. Check both and try again; capital letters count."
LOCKED = "Too many attempts failed. Log-in with this name is locked here: try again in {}."
STALE = (
    "This form was open for too long, or somebody else has logged in since. Nothing was changed: try again."
)
NO_COOKIE = "Your browser sent no cookies with this form: allow them for this site. Nothing was changed."
OTHER_ORIGIN = (
    "Your browser says that this form belongs to {origin}, but this site takes itself for {own}. Nothing was "
    "changed. Open this page by its usual address. If that is the one you used, tell whoever runs this "
    "service: a proxy in front of it hands on another host, port or scheme."
)
NO_ORIGIN = (
    "Your browser does not say from which site this form comes. Nothing was changed. A privacy extension, or "
    "a proxy that sets Referrer-Policy: no-referrer, keeps it from that: switch it off for this site."
)
NO_MATCH = csrf.REASON_BAD_ORIGIN.partition("%s")[2]  # the end of what is said of an origin and of a referer
REFERER = csrf.REASON_NO_REFERER.partition(" - ")[0]
LONGEST_TARGET = 2000  # characters of an address as it is sent: proxies bound the size of headers
USERNAME = 150  # characters that a username has at the most
MISSING = "Both a username and a password are needed."


@sensitive_post_parameters("password")
@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """The log-in page; `next` is where one wanted to go, on this very host."""
    target = _target(request)
    if request.method != "POST":
        return HttpResponseRedirect(target) if request.user.is_authenticated else _page(request, target)
    form = AuthenticationForm(request, data=request.POST)
    if form.is_valid():
        login(request, form.get_user())
        return HttpResponseRedirect(target)
    return _refusal(request, target, form)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@require_POST
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session, token and socket of one's own, this one too."""
    if isinstance(request.user, User):
        services.user_log_out_everywhere(user_id=request.user.pk)
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that cannot be shown to come from a page of ours: say why, and show the way on."""
    return _page(request, _target(request), error=_why(request, reason), status=403)


def _why(request: HttpRequest, reason: str) -> str:
    """The reason that Django's check gives, in words for people."""
    if reason == csrf.REASON_NO_CSRF_COOKIE:
        return NO_COOKIE
    origin = request.headers.get("origin") or request.headers.get("referer", "")
    if reason.endswith(NO_MATCH) and origin != "null":
        own = f"{request.scheme}://{request.get_host()}"
        return OTHER_ORIGIN.format(origin=origin[:100], own=own)
    of_the_page = reason.endswith(NO_MATCH) or reason.startswith(REFERER)
    return NO_ORIGIN if of_the_page else STALE


def _refusal(request: HttpRequest, target: str, form: AuthenticationForm) -> HttpResponse:
    if (lock := getattr(request, "log_in_lock", None)) is not None:
        return _page(request, target, error=LOCKED.format(lock), status=429)
    missing = "username" in form.errors or "password" in form.errors
    return _page(request, target, error=MISSING if missing else WRONG, status=400 if missing else 401)


def _page(request: HttpRequest, target: str, *, error: str = "", status: int = 200) -> HttpResponse:
    context = {"next": target, "error": error, "username": request.POST.get("username", "")[:USERNAME]}
    return render(request, "projects/login.html", context, status=status)


def _target(request: HttpRequest) -> str:
    """An address and never the name of a view, for which `redirect` would take a word."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if own and len(iri_to_uri(wanted)) <= LONGEST_TARGET else settings.LOGIN_REDIRECT_URL
