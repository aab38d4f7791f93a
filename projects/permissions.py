"""Who may do what to a project they can see: a role in, an answer out.

Seeing comes first and is `selectors.projects_visible_to`; what one may not see is not found.
A superuser has no right beyond their role: operators act through the admin.
"""

from __future__ import annotations

from django.conf import settings

from projects.errors import Forbidden
from projects.models import Role, User

WRITERS = frozenset({Role.OWNER, Role.EDITOR})


def require_writer(role: str | None) -> None:
    """Columns, tasks and comments are for owners and editors."""
    if role not in WRITERS:
        raise Forbidden(f"Only an owner or an editor of the project may do this{_you_are(role)}.")


def require_owner(role: str | None) -> None:
    """The project itself and its members are for owners."""
    if role != Role.OWNER:
        raise Forbidden(f"Only an owner of the project may do this{_you_are(role)}.")


def may_open_to_everybody(user: User) -> bool:
    """Whether PUBLIC_BOARDS lets the user open a board, an owner as well as an operator."""
    allowed = settings.PUBLIC_BOARDS
    return bool(allowed == "everybody" or (allowed == "staff" and user.is_staff))


def require_may_open_to_everybody(user: User) -> None:
    """Raises Forbidden."""
    if not may_open_to_everybody(user):
        raise Forbidden(
            f"PUBLIC_BOARDS is {settings.PUBLIC_BOARDS} here: you may not open a board to everybody."
        )


def require_comment_author(role: str | None, *, is_author: bool) -> None:
    """A comment's words are its author's alone, as long as they may write here."""
    require_writer(role)
    if not is_author:
        raise Forbidden("Only its author may change a comment.")


def require_comment_remover(role: str | None, *, is_author: bool) -> None:
    """A comment goes by its author or by an owner."""
    require_writer(role)
    if not is_author and role != Role.OWNER:
        raise Forbidden("Only its author or an owner of the project may delete a comment.")


def _you_are(role: str | None) -> str:
    return f"; you are its {role}" if role else "; you are not a member"
