"""Show which connections there are, on every gateway, as the database has it."""

import json as json_module
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q, QuerySet

from realtime import records
from realtime.eventlog import rfc3339
from realtime.management.operating import OperatorCommand
from realtime.management.wording import counted, table
from realtime.models import ConnectionRecord

PAGE = 2000
COLUMNS = (
    "connectionId",
    "user",
    "address",
    "transport",
    "since",
    "lastFrameAt",
    "framesIn",
    "framesOut",
    "rooms",
    "gateway",
)


class Command(OperatorCommand):
    help = "List the live connections of every gateway. They are written once a second, counters every ten."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="a JSON list, for programs")
        parser.add_argument("--all", action="store_true", help="also those that have closed, as far as kept")

    def handle(self, *args: Any, json: bool, all: bool, **options: Any) -> None:
        found = ConnectionRecord.objects.all() if all else records.live()
        rows = map(described, _in_pages(found))
        if json:
            self._write_json(rows)
        else:
            self.stdout.write(as_table(list(rows)))

    def _write_json(self, rows: Iterable[dict[str, Any]]) -> None:
        """One after the other: a history may hold a million."""
        before = "[\n"
        for row in rows:
            self.stdout.write(before + json_module.dumps(row, ensure_ascii=False), ending="")
            before = ",\n"
        self.stdout.write("[]" if before.startswith("[") else "\n]")


def _in_pages(found: QuerySet[ConnectionRecord]) -> Iterator[ConnectionRecord]:
    """All of them, in order, a page in memory at a time; behind a pooler the server keeps no cursor."""
    page = list(found[:PAGE])
    while page:
        yield from page
        last = page[-1]
        later = Q(opened_at__gt=last.opened_at) | Q(opened_at=last.opened_at, id__gt=last.id)
        page = list(found.filter(later)[:PAGE])


def described(record: ConnectionRecord) -> dict[str, Any]:
    """One connection. `user` is the username, null for a guest; what tells of its close, while it is open."""
    return {
        "connectionId": str(record.id),
        "user": record.username,
        "address": record.address,
        "agent": record.agent,
        "transport": record.transport,
        "rooms": record.rooms,
        "gateway": record.gateway_id,
        "since": rfc3339(record.opened_at),
        "lastFrameAt": rfc3339(record.last_frame_at),
        "framesIn": record.frames_in,
        "framesOut": record.frames_out,
        "closeCode": record.close_code,
        "closeReason": record.close_reason,
    }


def as_table(rows: list[dict[str, Any]]) -> str:
    """A line a connection under a heading, and how many there are."""
    lines = table((*COLUMNS, "closed"), map(_cells, rows)) if rows else []
    return "\n".join([*lines, counted(len(rows), "connection")])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    shown = {**row, "user": row["user"] or "guest", "rooms": len(row["rooms"])}
    closed = "" if row["closeReason"] is None else f"{row['closeCode'] or ''} {row['closeReason']}".strip()
    return (*(str(shown[name]) for name in COLUMNS), closed)
