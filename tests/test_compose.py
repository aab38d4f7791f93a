"""The deployment that comes along: closed to the network, pinned, and clean by Django's own check."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.environment import environment

ROOT = Path(__file__).parent.parent
DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
# ${NAME:?what to set}, ${NAME:-default}, ${NAME-default}
VARIABLE = re.compile(r"\$\{(\w+)(?::?([?-])([^}]*))?\}")
GIVEN = {
    "JWT_SECRET": "wQ6NfH0uGZ1sVJxk3m8bTqR5yC7dLp2oXaEiK4rUhMj9",
    "SECRET_KEY": "Zt8-vB3nXq_7LwYf5hJkPdR2sMgC6aTeU9oKiE1rVxQ4yHbN0mWzG8uD5jSlFpA",
    "POSTGRES_PASSWORD": "9f3a",
    "REDIS_PASSWORD": "4c1b",
}


def filled(text: str) -> str:
    """As Compose does it, with what an operator has to set."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        assert kind == "-" or name in GIVEN, f"{name} has no default, and the head of the file names it not"
        return GIVEN.get(name, default)

    return VARIABLE.sub(value, text)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "compose.yaml").read_text()
    head = text.partition("\nname:")[0]
    assert all(name in head for name in GIVEN)
    found: dict[str, Any] = yaml.safe_load(filled(text))
    return found


def test_nothing_is_published_beyond_this_machine(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_foreign_image_is_pinned_by_its_digest(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(images) == 4
    assert [image for image in images if not DIGEST.fullmatch(image)] == []


def test_redis_asks_for_a_password(compose: dict[str, Any]) -> None:
    assert f"requirepass {GIVEN['REDIS_PASSWORD']}" in compose["configs"]["redis"]["content"]
    assert f":{GIVEN['REDIS_PASSWORD']}@redis" in compose["services"]["gateway"]["environment"]["REDIS_URL"]


def test_djangos_check_of_a_deployment_has_nothing_to_say(compose: dict[str, Any]) -> None:
    given = compose["services"]["gateway"]["environment"]
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    checked = subprocess.run(
        command,
        cwd=ROOT,
        env=environment({**given, "DEBUG": "false"}),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout
