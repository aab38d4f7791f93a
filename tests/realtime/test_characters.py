"""What acts where it is shown: the rule, what operators type, and what is printed for them."""

import json
import logging
import logging.config

import pytest
from django.core.management import get_commands, load_command_class
from django.test import Client

from devmentor.logs import logging_config
from realtime import controls, policy
from realtime.characters import NotAllowed, check_line, check_text, escaped
from realtime.management.output import PrintingCommand
from realtime.models import BlockedNetwork, OperatorAction, PolicySetting
from realtime.targets import Target
from tests.realtime.command_rig import lives, typed
from tests.realtime.room_rig import connect, operators_browser
from tests.support.characters import DIRECTIONS, IN_ANY, IN_NO_LINE, IN_NO_TEXT, OLD, ids

WHITESPACE = ["\n", "\t", "\r"]


@pytest.mark.parametrize("character", [*IN_NO_LINE, *WHITESPACE], ids=ids)
def test_a_line_holds_nothing_that_acts_and_the_refusal_names_it(character: str) -> None:
    with pytest.raises(NotAllowed, match=rf"U\+{ord(character[0]):04X} \(.+\), character 2, is not allowed"):
        check_line(f"a{character}b")


@pytest.mark.parametrize("character", IN_NO_TEXT, ids=ids)
def test_a_text_holds_no_control_characters(character: str) -> None:
    with pytest.raises(NotAllowed, match="character 2"):
        check_text(f"a{character}b")


@pytest.mark.parametrize("text", IN_ANY, ids=ids)
def test_what_people_write_is_let_be(text: str) -> None:
    check_line(text)
    check_text(text)
    assert escaped(text) == text


def test_a_text_has_lines_tabs_and_directions() -> None:
    check_text(f"a\n\tb\r\n{''.join(DIRECTIONS)}")


@pytest.mark.parametrize("character", [*IN_NO_LINE, *WHITESPACE], ids=ids)
def test_what_is_printed_does_not_act_and_tells_what_it_was(character: str) -> None:
    printed = escaped(f"a{character}b")
    check_line(printed)
    assert json.loads(f'"{printed}"') == f"a{character}b"


# --- What operators type --------------------------------------------------------------------------


@pytest.fixture
def operator(transactional_db: None) -> Client:
    return operators_browser()


def test_a_banner_is_refused_with_the_character(operator: Client) -> None:
    answer = operator.post("/admin/policy/confirm/", {"banner": "a\u202eb", "was-banner": ""})
    assert (answer.status_code, "U+202E" in answer.content.decode()) == (400, True)
    with pytest.raises(NotAllowed):
        policy.named("banner").check("a\u202eb")
    assert policy.named("banner").check(" two \n lines ") == "two lines"
    assert not PolicySetting.objects.exists()


def test_a_reason_is_refused_wherever_it_is_given(operator: Client) -> None:
    """Nothing was done then, and nothing stands in the journal."""
    record = connect("ada")
    blocked = BlockedNetwork.objects.create(
        network="192.0.2.0/24", blocked_at=record.opened_at, blocked_by="x", reason=""
    )
    target = json.dumps(Target.connections([str(record.pk)]).stored())
    for path, form in {
        "policy/confirm/": {"strict": "on", "confirmed": "yes"},
        "realtime/blockednetwork/add/": {"network": "192.0.2.7", "confirmed": "yes"},
        f"realtime/blockednetwork/{blocked.pk}/delete/": {"post": "yes"},
        "realtime/liveconnection/disconnect/": {"target": target},
    }.items():
        answer = operator.post(f"/admin/{path}", {**form, "reason": "a\u202eb"})
        assert (answer.status_code in (200, 400), "U+202E" in answer.content.decode()) == (True, True), path
    assert not OperatorAction.objects.exists()
    assert BlockedNetwork.objects.count() == 1


# --- What is printed for them ---------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_commands_print_nothing_that_acts() -> None:
    record = connect("ada")
    record.username = record.agent = record.close_reason = OLD
    record.save()
    at = record.opened_at
    BlockedNetwork.objects.create(network="192.0.2.0/24", blocked_at=at, blocked_by=OLD, reason=OLD)
    lives("gateway-one")
    for arguments in (
        ("audit_connections",),
        ("audit_connections", "--all", "--json"),
        ("block", "--list"),
        ("block", "--list", "--json"),
        ("disconnect", "--user", "a\x1b[2Jb"),
        ("disconnect", "--all", "--reason", "a\u202eb"),
        ("realtime", "on", "--banner", "a\u202eb"),
        ("policy", "a\x1bb"),
        ("page_oncall", "a\x1bb"),
    ):
        done = typed(*arguments)
        assert done.out == escaped(done.out, lines=True), arguments
        assert escaped(OLD) in done.out or arguments[0] not in ("audit_connections", "block"), arguments
        if "--json" in arguments:
            assert OLD in json.loads(done.out)[0].values()
    assert not OperatorAction.objects.exists()


def test_every_command_of_ours_that_prints_texts_escapes_them() -> None:
    of_constants = {"demo", "prune_idempotency_keys"}
    for name, app in get_commands().items():
        if str(app).split(".")[0] in ("realtime", "projects", "devmentor") and name not in of_constants:
            assert isinstance(load_command_class(app, name), PrintingCommand), name


@pytest.mark.parametrize("debug", [True, False], ids=["readable", "JSON"])
def test_a_log_line_is_one_line_that_does_not_act(debug: bool, capsys: pytest.CaptureFixture[str]) -> None:
    config = logging_config(debug=debug, file="")
    logging.config.dictConfig({**config, "root": {**config["root"], "handlers": ["console"]}})
    try:
        logging.getLogger("realtime.test").warning("from %s", f"{OLD}\n2026-01-01 [info] forged")
        logging.getLogger("realtime.test").warning("long %s", "x" * 10_000)
    finally:
        logging.config.dictConfig(logging_config(debug=True, file=""))
    first, second = capsys.readouterr().err.splitlines()
    assert first == escaped(first)
    assert "evil" in first
    assert len(second) < 3000


def test_the_journal_shows_it_by_its_number(operator: Client) -> None:
    controls.set_policy(controls.command_line(), {"banner": "fine"})
    at = OperatorAction.objects.get().at
    entry = OperatorAction(seq=2, at=at, actor="x", action="rights", target=OLD, new={}, reason="")
    entry.save()
    page = operator.get("/admin/realtime/operatoraction/").content.decode()
    assert escaped(OLD) in page
    assert "\u202e" not in page
