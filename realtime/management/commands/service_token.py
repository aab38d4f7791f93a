"""Give another service the token with which it may publish events."""

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from realtime import tokens
from realtime.management.operating import OperatorCommand
from realtime.tokens import TokenType

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,49}")


class Command(OperatorCommand):
    help = "Print a token with which a service may send events to POST /api/projects/{id}/publish/."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the service's name, as people see it: ai, project-service …")
        parser.add_argument("--days", type=int, default=tokens.SERVICE_SECONDS // 86400)

    def handle(self, *args: Any, name: str, days: int, **options: Any) -> None:
        if not NAME.fullmatch(name):
            raise CommandError(f"{name!r}: expected 1 to 50 letters, digits, spaces, dots, dashes")
        if not 1 <= days <= 3650:
            raise CommandError(f"--days {days}: expected 1 to 3650")
        self.stdout.write(tokens.issue(name, TokenType.SERVICE, days * 86400))
