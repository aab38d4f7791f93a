"""`.env` and `.env.local`: read strictly, since a line that says nothing would pass for a setting."""

import io
import os
import re
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from devmentor.env.values import FALSE

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_NEWLINE = re.compile(r"\r\n|\n|\r")
_STARTS_LIKE_A_NAME = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)")


class BadFile(SystemExit):
    """Ends the process with one line that names the file and the line in it, and exit status 1."""

    def __init__(self, file: Path, line: int | None, allowed: str) -> None:
        place = f"{file}, line {line}" if line else str(file)
        super().__init__(f"{place}: expected {allowed}")


def load_files(folder: Path) -> None:
    """Read `.env`, then `.env.local` over it, below what the environment itself says.

    An environment that sets DEBUG to false is a production one: there no file counts.
    """
    if os.environ.get("DEBUG", "").strip().lower() in FALSE:
        return
    found: dict[str, str | None] = {}
    for name in (".env", ".env.local"):
        found.update(_read(folder / name))
    for key, value in found.items():
        if value is not None:
            os.environ.setdefault(key, value)


def _read(file: Path) -> dict[str, str | None]:
    """The variables of one file, none where there is no file. Raises BadFile."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as failure:
        raise BadFile(file, None, f"a file that can be read, but: {failure.strerror}") from None
    text = _decode(file, content)
    for binding in parse_stream(io.StringIO(text)):
        _check(file, binding)
    return dotenv_values(stream=io.StringIO(text), interpolate=False)


def _decode(file: Path, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile(file, 1, "UTF-8, got UTF-16: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        raise BadFile(file, line, f"UTF-8, got the byte 0x{content[failure.start]:02x}") from None
    if "\0" in text:
        raise BadFile(file, text.count("\n", 0, text.index("\0")) + 1, "text, got a NUL")
    return text


def _check(file: Path, binding: Binding) -> None:
    """Raise BadFile unless it is an assignment, a comment or blank. No value is shown: it may be a secret."""
    written = binding.original.string
    blank = len(written) - len(written.lstrip())
    line = binding.original.line + len(_NEWLINE.findall(written[:blank]))
    name = _STARTS_LIKE_A_NAME.match(written)
    about = f" for {name[1]}" if name else ""
    if binding.error:
        raise BadFile(file, line, f"NAME=value, with quotes in pairs{about}")
    if binding.key is None:
        return
    if not _NAME.match(binding.key):
        raise BadFile(file, line, f"NAME=value, with a name of letters, digits and _{about}")
    if binding.value is None:
        raise BadFile(file, line, f"NAME=value{about}, which has no value (NAME= unsets it)")
