"""Give another service the token with which it may publish events."""

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from realtime import controls, service_tokens, tokens
from realtime.ids import EXPECTED, read_id
from realtime.management.operating import OperatorCommand

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,49}")


class Command(OperatorCommand):
    help = "Print a token with which a service may send events to POST /api/projects/{id}/publish/."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the service's name, as people see it: ai, project-service …")
        parser.add_argument("--days", type=int, default=tokens.SERVICE_SECONDS // 86400)
        parser.add_argument("--project", default="", help="id of the only project it may publish to")

    def handle(self, *args: Any, name: str, days: int, project: str, **options: Any) -> None:
        if not NAME.fullmatch(name):
            raise CommandError(f"{name!r}: expected 1 to 50 letters, digits, spaces, dots, dashes")
        if not 1 <= days <= 3650:
            raise CommandError(f"--days {days}: expected 1 to 3650")
        if project and read_id(project) is None:
            raise CommandError(f"--project {project}: expected {EXPECTED}")
        room = f"project:{read_id(project)}" if project else ""
        operator = controls.command_line()
        self.stdout.write(service_tokens.create(operator, name, seconds=days * 86400, room=room))
