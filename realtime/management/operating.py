"""What the operators' commands have in common: what they say where the database does not do its part."""

from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError
from django.db import Error, connection

from realtime.characters import NotAllowed, check_line, escaped
from realtime.management.output import PrintingCommand
from realtime.management.wording import database
from realtime.models import GatewayProcess
from realtime.outages import is_away

UNDEFINED = {"42P01", "42703"}  # PostgreSQL's "undefined table" and "undefined column"
CUT_OFF = {"08", "53", "57"}  # its classes of connections, resources and of what an administrator does
SQLITE_UNDEFINED = ("no such table", "no such column", "has no column named")
OURS = f"{GatewayProcess._meta.app_label}_"


class OperatorCommand(PrintingCommand):
    """A command beside the gateways, on the database that they share.

    Where that does not answer, or is another, it ends with status 1 and one line; `--traceback` shows all.

    written: seq of the entry that it has added to the journal, which holds whatever comes after
    """

    written: int | None = None

    def run_from_argv(self, argv: list[str]) -> None:
        # A pool waits for seconds, and then says that it has waited; a connection of its own says why.
        connection.settings_dict["OPTIONS"].pop("pool", None)
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        for name, value in options.items():
            _check_text(name, value)
        try:
            return super().execute(*args, **options)
        except Error as failure:
            raise CommandError(told(failure) + self._still_holds()) from failure

    def note(self, text: str, json: bool) -> None:
        """Something for people: beside the JSON, where a program reads that."""
        (self.stderr if json else self.stdout).write(text, str)

    def _still_holds(self) -> str:
        return "" if self.written is None else f"; entry {self.written} of the journal was written, and holds"


def _check_text(name: str, value: Any) -> None:
    """A shell may hand on bytes that are no text, and characters that act where others read them."""
    if isinstance(value, str):
        try:
            check_line(" ".join(value.split()))
        except NotAllowed as wrong:
            raise CommandError(f"{name}: {wrong} Given: {escaped(value)[:200]}") from None


def told(failure: Error) -> str:
    """What the database did not do, and which one it is, in a line."""
    if is_away(failure):
        why = "; ".join(line.strip() for line in str(failure).splitlines() if line.strip())
        state = getattr(failure.__cause__, "sqlstate", None)
        what = "does not answer" if state is None or state[:2] in CUT_OFF else "did not do it, try again"
        return f"the database {what}: {database()}: {why}"
    if not _is_undefined(failure):
        first, *_ = str(failure).strip().splitlines() or [""]
        return f"the database refuses: {database()}: {first}"
    if _has_tables():
        return f"the database lacks what this version needs: {database()}. Run its `manage.py migrate`"
    return (
        f"the database has no tables of this service: {database()}. "
        "Run `manage.py migrate`, or set DATABASE_URL to the one that the gateways use"
    )


def _is_undefined(failure: Error) -> bool:
    """Whether a table or a column is not there."""
    state = getattr(failure.__cause__, "sqlstate", None)
    return state in UNDEFINED or (state is None and any(words in str(failure) for words in SQLITE_UNDEFINED))


def _has_tables() -> bool:
    with suppress(Error):
        return any(name.startswith(OURS) for name in connection.introspection.table_names())
    return True
