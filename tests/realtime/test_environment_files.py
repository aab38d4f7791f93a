"""`.env` and `.env.local`: a line that says something else than it does stops the start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from devmentor import env
from tests.support.environment import environment
from tests.support.processes import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DEBUG", "ONE", "TWO", "THREE"):
        monkeypatch.setenv(name, "set, so that its end is undone too")
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text("ONE=env\nTWO=env\nTHREE=env\n")
    (tmp_path / ".env.local").write_text("TWO=local\nTHREE=local\n")
    return tmp_path


def complaint(folder: Path, content: bytes) -> str:
    (folder / ".env").write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        env.load_files(folder)
    line = str(caught.value)
    assert line.startswith(f"{folder / '.env'}")
    assert "\n" not in line
    assert "s3cret" not in line
    return line


def test_the_environment_wins_over_env_local_and_that_over_env(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREE", "shell")
    env.load_files(folder)
    assert [env.text(name) for name in ("ONE", "TWO", "THREE")] == ["env", "local", "shell"]


def test_in_production_no_file_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forgotten `.env.local` in an image must not turn DEBUG on."""
    monkeypatch.setenv("DEBUG", "false")
    (folder / ".env.local").write_text("DEBUG=true\n")
    env.load_files(folder)
    assert env.text("ONE") == ""
    assert env.text("DEBUG") == "false"


def test_missing_files_are_no_error(tmp_path: Path) -> None:
    env.load_files(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"# a comment\n\nexport ONE=1\nTWO = '2'\nTHREE=\"a\nb\" # another\n",
        b"\xef\xbb\xbfONE=1\r\nTWO=2\r\nTHREE=a\xc3\xa9\r\n",
        b"ONE=1\nTWO=\nTHREE=it's fine",
    ],
    ids=["quotes, comments, several lines", "BOM and CRLF", "empty, and an apostrophe"],
)
def test_what_dotenv_files_may_hold_is_read(content: bytes, folder: Path) -> None:
    (folder / ".env.local").unlink()
    (folder / ".env").write_bytes(content)
    env.load_files(folder)
    assert env.text("ONE") == "1"


def test_nothing_in_a_value_is_replaced(folder: Path) -> None:
    """A secret that was made at random may hold any character; other readers of the file replace nothing."""
    (folder / ".env.local").unlink()
    (folder / ".env").write_bytes(b"ONE='a${HOME}b${NOSUCH}'\n")
    env.load_files(folder)
    assert env.text("ONE") == "a${HOME}b${NOSUCH}"


@pytest.mark.parametrize(
    "content, line, name",
    [
        (b"DEBUG=true\nSTRICT_MODE: true\n", 2, "STRICT_MODE"),
        (b"STRICT_MODE:=true\n", 1, "STRICT_MODE"),
        (b"\n\n# c\nSTRICT_MODE true\n", 4, "STRICT_MODE"),
        (b"DEBUG=true\n\nSTRICT_MODE\n", 3, "STRICT_MODE"),
        (b"export STRICT_MODE\n", 1, "STRICT_MODE"),
        (b'SECRET_KEY="s3cret\n', 1, "SECRET_KEY"),
        (b"SECRET_KEY='s3cret\nDEBUG=true\n", 1, "SECRET_KEY"),
        (b'SECRET_KEY="s3cret"s3cret\n', 1, "SECRET_KEY"),
        (b"SECRET_KEY: s3cret\n", 1, "SECRET_KEY"),
        (b"=s3cret\n", 1, ""),
        (b"- s3cret\n", 1, ""),
        (b"2FA=s3cret\n", 1, ""),
    ],
)
def test_a_line_that_is_no_assignment_stops_the_start(
    content: bytes, line: int, name: str, folder: Path
) -> None:
    told = complaint(folder, content)
    assert re.search(rf", line {line}: expected NAME=value", told)
    assert name in told


@pytest.mark.parametrize(
    "content, line, word",
    [
        ("STRICT_MODE=true\n".encode("utf-16"), 1, "UTF-16"),
        ("STRICT_MODE=true\n".encode("utf-16-be"), 1, "NUL"),
        (b"DEBUG=true\nONE=\xff\n", 2, "UTF-8"),
        (b"DEBUG=true\nONE=a\0b\n", 2, "NUL"),
    ],
)
def test_a_file_that_is_no_utf_8_stops_the_start(content: bytes, line: int, word: str, folder: Path) -> None:
    told = complaint(folder, content)
    assert f", line {line}: " in told
    assert word in told


def test_a_folder_in_the_place_of_the_file_stops_the_start(folder: Path) -> None:
    """Docker makes one where a file that is to be mounted is not there."""
    (folder / ".env").unlink()
    (folder / ".env").mkdir()
    with pytest.raises(SystemExit, match="expected a file that can be read, but: Is a directory"):
        env.load_files(folder)


def test_a_bad_file_ends_a_command_with_one_line_and_1(folder: Path) -> None:
    (folder / ".env").write_text("STRICT_MODE: true\n")
    code = f"from pathlib import Path; from devmentor import env; env.load_files(Path({str(folder)!r}))"
    given = {**environment({}), "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
