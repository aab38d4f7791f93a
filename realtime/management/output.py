"""What commands print, people's words among it: the terminal obeys none of them."""

from typing import Any

from django.core.management.base import BaseCommand, OutputWrapper

from realtime.characters import escaped


class EscapedOutput(OutputWrapper):
    """A stream in which line breaks and tabs are all that acts."""

    def write(self, msg: Any = "", *style: Any, **ending: Any) -> None:  # type: ignore[override]  # as Django's
        super().write(escaped(str(msg), lines=True), *style, **ending)


class PrintingCommand(BaseCommand):
    """A command whose output is escaped, whoever has set its streams."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("stdout", "stderr") and isinstance(value, OutputWrapper):
            value.ending, ending = "", value.ending
            value = EscapedOutput(value, ending)  # type: ignore[arg-type]  # a stream by its own words
        super().__setattr__(name, value)
