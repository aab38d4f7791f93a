"""X-Expected-User: a write that is meant for one person is not made by another's log-in."""

from typing import Any

from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from realtime.ids import EXPECTED, read_id

HEADER = "X-Expected-User"


class OtherUser(exceptions.APIException):
    """409: somebody else is logged in, by a log-in of another tab, for example."""

    status_code = 409
    default_code = "other-user"
    default_detail = "You are logged in as somebody else by now. Nothing was done."


class ForExpectedUser(BasePermission):
    """Refuses a write that names another user than the one who is logged in; a service is no user.

    A permission, so that it holds for each view and comes before the view reads anything. A guest passes: the
    view says that they have to log in.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        expected = request.headers.get(HEADER)
        if expected is None or request.method in SAFE_METHODS or not request.user.is_authenticated:
            return True
        user_id = read_id(expected)
        if user_id is None:
            raise exceptions.ParseError(f"{HEADER} is malformed: expected {EXPECTED}.")
        if user_id != str(request.user.pk):
            raise OtherUser
        return True
