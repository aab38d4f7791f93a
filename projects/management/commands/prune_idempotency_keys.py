from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects.services import idempotency_prune
from projects.services.idempotency import RETENTION

MOST_DAYS = 3650


class Command(BaseCommand):
    help = "Forget the kept answers of old idempotency keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=RETENTION.days, help="older than (%(default)s)")

    def handle(self, *, days: int, **options: Any) -> None:
        if not 0 <= days <= MOST_DAYS:
            raise CommandError(f"--days {days}: expected a whole number from 0 to {MOST_DAYS}")
        pruned = 0
        while count := idempotency_prune(older_than=timedelta(days=days)):
            pruned += count
        self.stdout.write(f"{pruned} keys pruned.")
