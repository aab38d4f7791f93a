from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from projects import demo
from projects.models import Project


class Command(BaseCommand):
    help = "Set up a database with demo data where there is none yet, and serve it."
    # They would double the time of a start with nothing to set up.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed-only", action="store_true", help="do not serve")

    def handle(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "demo needs DEBUG=true: its people have a published password, not for a real server."
            )
        _migrate()
        if not Project.objects.exists():
            self.stdout.write("Filling the empty database with demo data …")
            demo.seed()
        self._greet()
        if not options["seed_only"]:
            call_command("gateway")

    def _greet(self) -> None:
        web_port = settings.WEB_PORT or settings.PORT
        lines = [
            f"Boards     http://localhost:{web_port}/projects",
            f"Admin      http://localhost:{web_port}/admin/",
            f"API        http://localhost:{web_port}/api/docs/",
            f"WebSocket  {settings.PUBLIC_WEBSOCKET_URL or f'ws://localhost:{settings.PORT}/ws'}",
            f"Log in as  {', '.join(demo.USERNAMES)} (ada is the administrator)",
            f"Password   {demo.PASSWORD}",
        ]
        self.stdout.write("\n".join(lines))


def _migrate() -> None:
    """Only where something is to be done: the command itself takes a second to find that there is not."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
