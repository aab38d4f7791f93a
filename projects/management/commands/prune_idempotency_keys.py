from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from projects.services import idempotency_prune
from projects.services.idempotency import RETENTION


class Command(BaseCommand):
    help = "Forget the kept answers of old idempotency keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=RETENTION.days, help="older than (%(default)s)")

    def handle(self, **options: Any) -> None:
        pruned = idempotency_prune(older_than=timedelta(days=options["days"]))
        self.stdout.write(f"{pruned} keys pruned.")
