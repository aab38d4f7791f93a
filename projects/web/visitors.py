"""What whoever asks for a page may do."""

from __future__ import annotations

from django.http import HttpRequest

from projects import permissions
from projects.models import User
from realtime import controls


def must_log_in(request: HttpRequest) -> bool:
    """Guests read public boards on the terms of the API: not where credentials are required."""
    return not request.user.is_authenticated and controls.policy_in_force().require_auth


def may_open_to_everybody(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and permissions.may_open_to_everybody(request.user)
