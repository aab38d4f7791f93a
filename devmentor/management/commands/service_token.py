"""Tokens with which other services (AI, project, …) publish into boards: made, listed, revoked."""

import re
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from projects.models import Project
from projects.rooms import room_of
from realtime import controls, service_tokens, tokens
from realtime.ids import EXPECTED, read_id
from realtime.management.operating import OperatorCommand
from realtime.management.wording import moment, table
from realtime.models import ServiceToken

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,49}")
HEADING = ("id", "name", "for", "made by", "expires", "last used", "revoked")


class Command(OperatorCommand):
    help = (
        "Print a new token with which another service may publish into boards; it is shown this once. "
        "--list shows which there are, --revoke ends one, at once and on every gateway."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "name", nargs="?", help="the service's name, as people see it: ai, project-service …"
        )
        parser.add_argument("--days", type=int, default=tokens.SERVICE_SECONDS // 86400)
        parser.add_argument("--project", metavar="ID", help="the only project that it may publish to")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--list", action="store_true", help="the tokens that have been made")
        instead.add_argument("--revoke", metavar="ID", help="accept this token no longer")
        parser.add_argument("--reason", default="", help="why, for the journal")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        if name is not None and (options["list"] or options["revoke"]):
            raise CommandError("--list and --revoke go without a name")
        if options["list"]:
            rows = list(map(_cells, ServiceToken.objects.all()))
            self.stdout.write("\n".join(table(HEADING, rows)) if rows else "No token has been made.")
        elif options["revoke"]:
            self._revoke(options["revoke"], options["reason"])
        else:
            self._create(name or "", options["days"], options["project"], options["reason"])

    def _create(self, name: str, days: int, project: str | None, reason: str) -> None:
        if not NAME.fullmatch(name):
            raise CommandError(f"{name!r}: expected a name of 1 to 50 letters, digits, spaces, dots, dashes")
        if not 1 <= days <= 3650:
            raise CommandError(f"--days {days}: expected 1 to 3650")
        room = ""
        if project is not None:
            id_ = _id("--project", project)
            if not Project.objects.filter(pk=id_).exists():
                raise CommandError(f"--project {project}: there is no such project")
            room = room_of(id_).name
        operator = controls.command_line()
        made = service_tokens.create(operator, name, seconds=days * 86400, room=room, reason=reason)
        self.stdout.write(made)

    def _revoke(self, given: str, reason: str) -> None:
        revoked = service_tokens.revoke(controls.command_line(), _id("--revoke", given), reason)
        if revoked is None:
            raise CommandError(f"--revoke {given}: there is no such token, or it was revoked before")
        self.stdout.write(f"The token of {revoked.name} is no longer accepted.")


def _id(option: str, given: str) -> UUID:
    found = read_id(given)
    if found is None:
        raise CommandError(f"{option} {given}: expected {EXPECTED}")
    return UUID(found)


def _cells(token: ServiceToken) -> tuple[str, ...]:
    return (
        str(token.pk),
        token.name,
        token.room or "any board",
        token.created_by,
        moment(token.expires_at),
        "never" if token.last_used_at is None else moment(token.last_used_at),
        "no" if token.revoked_at is None else f"{moment(token.revoked_at)} by {token.revoked_by}",
    )
