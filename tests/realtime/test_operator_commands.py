"""The operators' commands: what they say and how they end, also where nothing lives."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from realtime import confirmation, controls, enforcement, journal
from realtime.connection_limits import IS_FULL
from realtime.eventlog import rfc3339
from realtime.journal import Operator
from realtime.management import switching
from realtime.models import BlockedNetwork, GatewayProcess, OperatorAction, PolicySetting
from realtime.policy import SETTINGS
from tests.realtime.command_rig import lives, obeying, typed
from tests.realtime.room_rig import connect
from tests.support.console import Outcome

pytestmark = pytest.mark.django_db(transaction=True)


# --- Disconnecting ----------------------------------------------------------------------------------


def test_where_nobody_is_there_it_says_whether_a_gateway_is() -> None:
    """Else an operator on the wrong database takes "nobody was there" for the truth."""
    get_user_model().objects.create_user("ada", password=None)
    key, said = str(uuid4()), dict[tuple[str, ...], str]()
    said["--all",] = "No connection was open."
    said["--user", "ada"] = "No connection of user ada was open."
    said["--ip", "192.0.2.7"] = "No connection from 192.0.2.7/32 was open."
    said["--connection", key] = f"No connection with the id {key} is open."
    for whom, line in said.items():
        assert typed("disconnect", *whom) == Outcome(0, f"{line}\nNo gateway is running.\n", "")
    found = typed("disconnect", "--all", "--json")
    assert found.json() == {"order": 5, "meant": 0, "closed": 0, "gone": 0, "open": 0}
    assert (found.status, found.err) == (0, "No gateway is running.\n")
    lives()
    assert [typed("disconnect", *whom).out for whom in said] == [f"{line}\n" for line in said.values()]


def test_what_was_closed_is_counted_in_words() -> None:
    key = str(get_user_model().objects.create_user("ada", password=None).pk)
    first, *_ = [connect(user_id=key) for _ in range(4)]
    connect(address="2001:db8::7"), connect(), connect()
    for whom, said in [
        (("--connection", str(first.pk)), f"1 of 1 connection with the id {first.pk}."),
        (("--user", "ada"), "3 of 3 connections of user ada."),
        (("--ip", "2001:db8::/32"), "1 of 1 connection from 2001:db8::/32."),
        (("--all",), "2 of 2 connections."),
    ]:
        with obeying(4403):
            assert typed("disconnect", *whom) == Outcome(0, f"Closed {said}\n", "")


def test_what_is_not_confirmed_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "WAIT_SECONDS", 0)
    connect()
    outcome = typed("disconnect", "--all")
    assert (outcome.status, outcome.out) == (1, "Closed 0 of 1 connection. 1 is still open.\n")
    assert outcome.err == "not confirmed in time: their clients take no close frame"
    outcome = typed("realtime", "off")
    assert "Closed 0 connections; 1 that may not stay is still open." in outcome.out
    assert (outcome.status, outcome.err) == (1, "not confirmed in time: their clients take no close frame")
    GatewayProcess.objects.update(rules_seq=0)
    for command in ("realtime on", "policy banner hello", "block 198.51.100.7", "block 198.51.100.7 --lift"):
        outcome = typed(*command.split())
        assert outcome.status == 1, command
        assert re.match(r"not confirmed in time.* by gateway-one$", outcome.err), outcome.err


def test_the_table_of_connections_has_what_disconnect_asks_for() -> None:
    record = connect()
    heading, row, _ = typed("audit_connections").out.splitlines()
    assert (heading.split()[0], row.split()[0]) == ("connectionId", str(record.pk))


# --- The switches and limits ------------------------------------------------------------------------


def test_what_is_in_force_is_what_gateways_say_and_not_this_shell(settings: Any) -> None:
    lives(realtime=True)
    settings.ENABLE_REALTIME = False
    outcome = typed("realtime", "on")
    assert (outcome.status, outcome.out.splitlines()[0]) == (0, "Real-time is on.")
    assert "\nThis shell's ENABLE_REALTIME=false holds for no gateway.\n" in outcome.out
    GatewayProcess.objects.all().delete()
    assert typed("realtime", "status").out.splitlines()[0] == "Real-time is off."


def test_where_gateways_differ_the_other_ones_are_named_with_the_variable(settings: Any) -> None:
    lives("vm-1", realtime=False)
    for name in ("vm-2", "vm-3"):
        lives(name)
    outcome, why = typed("realtime", "on"), "environment is the stricter. Set it to on there and restart"
    assert outcome.out.splitlines()[0] == "Real-time is on, but off on vm-1."
    assert (outcome.status, outcome.err) == (1, f"not on on vm-1: ENABLE_REALTIME of its {why}")
    lives("vm-3", realtime=False)
    assert typed("realtime", "on").err == f"not on on vm-1, vm-3: ENABLE_REALTIME of their {why}"
    GatewayProcess.objects.all().delete()
    settings.ENABLE_REALTIME = False
    assert typed("realtime", "on").err == f"not on here: ENABLE_REALTIME of this {why}"


@pytest.mark.parametrize(
    "command, opposite",
    [("realtime off", True), ("policy require-auth on", None), ("policy rate-limit on", False)],
)
def test_a_switch_that_somebody_else_has_thrown_meanwhile_is_told_as_that(
    command: str, opposite: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not as the environment's: who changed that would restart every gateway for nothing."""
    lives("vm-1")
    grace = Operator(get_user_model().objects.create_user("grace").pk, "grace")

    def throw(_: Any) -> None:
        controls.set_policy(grace, {command.split()[-2]: opposite}, "")

    monkeypatch.setattr(switching, "until", throw)
    why = f"not {command.split()[-1]} on vm-1: set otherwise meanwhile by grace"
    assert typed(*command.split()).err == why


def test_realtime_off_counts_the_sockets_that_it_closed() -> None:
    connect(), connect(), connect(None)
    assert "3 sockets are open. No banner." in typed("realtime", "status").out.splitlines()
    connect(closed_at=timezone.now() + timedelta(seconds=1), close_code=1000)  # leaves by itself meanwhile
    with obeying(4000):
        lines = typed("realtime", "off", "--banner", "a moment").out.splitlines()
    assert lines[:3] == ["Real-time is off.", "Closed 3 connections.", "0 sockets are open. Banner: a moment"]
    assert "\nNothing was changed: it was set so already.\n" in typed("realtime", "off").out
    back = typed("realtime", "on", "--json")
    assert (back.json()["setting"], back.json()["inForce"], back.err) == ("realtime", True, "")


def test_strict_mode_says_whom_it_closes_what_guests_lose_and_that_it_is_on_already() -> None:
    guests = "While it is on, guests cannot read public boards, over REST either."
    connect(None), connect()
    said = f"That would close 1 live connection.\n      1  strict mode: log in\n{guests}\n"
    assert typed("strict", "on", "--dry-run").out == said
    assert journal.head() == 0
    would = {"wouldClose": 1, "byReason": {"strict mode: log in": 1}}
    assert typed("strict", "on", "--dry-run", "--json").json() == would
    with obeying(4403):
        lines = typed("strict", "on").out.splitlines()
    assert lines[:4] == ["Strict mode is on.", guests, "Closed 1 connection.", "      1  strict mode: log in"]
    again = typed("strict", "on", "--dry-run").out
    assert again.startswith("Strict mode is on already.\nThat would close 0 live connections.\n")


def test_all_settings_are_listed_with_who_said_what() -> None:
    lives("vm-1", max_connections=500)
    lives("vm-2")
    typed("policy", "banner", "x" * 100)
    rows = {line.split()[0]: re.split(r"\s{2,}", line) for line in typed("policy").out.splitlines()}
    assert rows["setting"] == ["setting", "environment", "operators", "in force", "since", "by"]
    assert rows["max-connections"][1:3] == ["1000 sockets", "not set"]
    assert rows["max-connections"][3] == "500 sockets, but 1000 sockets on vm-2"
    assert rows["banner"][1] == "x" * 39 + "…"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", rows["banner"][3])
    listed = typed("policy", "--json").json()
    assert [one["setting"] for one in listed] == list(SETTINGS)
    assert listed[-1]["operators"] == "x" * 100
    assert typed("policy", "banner", "--json").json() == listed[-1]
    GatewayProcess.objects.all().delete()
    assert typed("policy").out.splitlines()[-1] == "No gateway is running."


def test_one_is_set_and_taken_back() -> None:
    lives()
    told = typed("policy", "rate-limit-max", "7", "--reason", "a flood").out
    assert told.startswith("Frames in a window: 7 frames\n")
    assert OperatorAction.objects.get().reason == "a flood"
    assert typed("policy", "require-auth", "on").out.startswith("Require log-in is on.\n")
    assert typed("policy", "banner", "two  words").out.startswith("Banner: two words\n")
    for name in ("rate-limit-max", "require-auth", "banner"):
        assert typed("policy", name, "unset").status == 0
    assert set(PolicySetting.objects.values_list("value", flat=True)) == {None}
    assert "Nothing was changed" in typed("policy", "banner", "unset").out


def test_a_lower_limit_says_whom_it_would_close_and_then_how_many_it_has() -> None:
    connect(), connect(), connect()
    asked = ("policy", "max-connections", "1")
    would = f"That would close 2 live connections.\n      2  {IS_FULL}\n"
    assert typed(*asked, "--dry-run").out == would
    assert journal.head() == 0
    with obeying(4503):
        told = typed(*asked, "--json")
    assert told.json()["inForce"] == 1
    assert told.err.splitlines() == ["Closed 2 connections.", f"      2  {IS_FULL}"]


WRONG = [
    ("policy strikt on", "'strikt': expected one of realtime, strict, require-auth, rate-limit"),
    ("policy strict yes", "strict: expected on or off, or unset"),
    ("policy max-connections 0", "max-connections: expected a whole number from 1 to 2147483647, or unset"),
    ("policy max-connections many", "max-connections: expected a whole number from 1"),
    (f"policy banner {'x' * 301}", "banner: expected at most 300 characters, or unset"),
    ("policy strict --dry-run", "--dry-run and --reason go with a name and a value"),
    ("strict off --dry-run", "--dry-run goes with on: off cuts nobody off"),
    ("realtime on --dry-run", "--dry-run goes with off: on cuts nobody off"),
    ("realtime status --banner x", "--banner goes with on and off"),
    ("block", "expected a network"),
    ("block 300.1.1.1", "'300.1.1.1': expected an address or a network"),
    ("block 192.0.2.7 --list", "--list goes without a network"),
    ("block 192.0.2.7 --lift --hours 1", "--hours goes with"),
    ("block 192.0.2.7 --hours 0", "Error: argument --hours: '0': expected a number from 0.01 to 8784"),
    ("block 192.0.2.7 --hours nan", "Error: argument --hours: 'nan': expected a number"),
    ("block 192.0.2.7 --lift --dry-run", "Error: argument --dry-run: not allowed with argument --lift"),
]


@pytest.mark.parametrize("command, said", WRONG, ids=[command[:40] for command, _ in WRONG])
def test_what_does_not_hold_says_what_is_allowed(command: str, said: str) -> None:
    outcome = typed(*command.split())
    assert (outcome.status, outcome.out, journal.head()) == (1, "", 0)
    assert outcome.err.startswith(said)
    assert "\n" not in outcome.err


def test_a_switch_that_stays_as_it_was_names_what_keeps_it() -> None:
    lives("vm-1", rate_limit=True)
    why = "RATE_LIMIT_ENABLED of its environment is the stricter. Set it to off there and restart"
    assert typed("policy", "rate-limit", "off").err == f"not off on vm-1: {why}"
    lives("vm-1", strict=True)
    why = "strict mode is on there, and brings it. Turn that off first"
    assert typed("policy", "rate-limit", "off").err == f"not off on vm-1: {why}"


# --- Blocking ---------------------------------------------------------------------------------------


def test_a_network_is_kept_out_and_its_connections_are_closed() -> None:
    connect(address="192.0.2.7"), connect(address="192.0.2.8"), connect(address="198.51.100.1")
    dry = ("block", "192.0.2.9/24", "--dry-run")
    assert typed(*dry).out == "Blocking 192.0.2.0/24 would close 2 live connections.\n"
    would = {"network": "192.0.2.0/24", "wouldClose": 2, "byReason": {enforcement.BLOCKED: 2}}
    assert typed(*dry, "--json").json() == would
    assert journal.head() == 0
    with obeying(4403):
        outcome = typed("block", "192.0.2.0/24", "--reason", "a scan")
    said = "Blocked 192.0.2.0/24 until it is lifted. Closed 2 of 2 connections from there.\n"
    assert outcome == Outcome(0, said, "")
    assert BlockedNetwork.objects.get().reason == "a scan"
    assert typed(*dry).out.startswith("192.0.2.0/24 is blocked already, until it is lifted.\n")


def test_a_block_has_an_end_in_hours() -> None:
    outcome = typed("block", "2001:db8::/32", "--hours", "1.5", "--json")
    assert (outcome.status, outcome.err) == (0, "No gateway is running.\n")
    counts = {"order": 1, "meant": 0, "closed": 0, "gone": 0, "open": 0}
    until = BlockedNetwork.objects.get().until
    assert until is not None
    assert timedelta(minutes=89) < until - timezone.now() <= timedelta(minutes=90)
    assert outcome.json() == {"network": "2001:db8::/32", "until": rfc3339(until), **counts}
    assert "No connection from there was open.\nNo gateway is running." in typed("block", "192.0.2.7").out


def test_lifting_says_what_still_keeps_it_out() -> None:
    lives()
    for network in ("192.0.2.0/24", "192.0.0.0/16"):
        typed("block", network)
    lift, wider = ("block", "--lift", "192.0.2.0/24"), "in 192.0.0.0/16, which is blocked"
    assert typed(*lift).out == f"192.0.2.0/24 is let in again, but it is still {wider}.\n"
    assert typed(*lift) == Outcome(1, "", f"192.0.2.0/24 is not blocked, but it is {wider}")
    BlockedNetwork.objects.update(until=timezone.now())
    assert typed(*lift).err == "192.0.2.0/24 is not blocked"
    found = typed("block", "192.0.0.0/16", "--lift", "--json").json()
    assert found == {"network": "192.0.0.0/16", "lifted": True}
    assert typed("block", "--lift", "192.0.0.0/16").err == "192.0.0.0/16 is not blocked"


def test_blocks_are_listed_with_those_whose_time_is_over() -> None:
    assert typed("block", "--list").out == "0 networks kept out\n"
    typed("block", "192.0.2.0/24", "--reason", "a scan")
    typed("block", "198.51.100.7", "--hours", "2")
    BlockedNetwork.objects.exclude(until=None).update(until=timezone.now() - timedelta(hours=1))
    lines = typed("block", "--list").out.splitlines()
    assert re.split(r"\s{2,}", lines[0]) == ["network", "state", "until", "why", "by"]
    rows = {line.split()[0]: re.split(r"\s{2,}", line) for line in lines[1:3]}
    assert rows["192.0.2.0/24"][1:4] == ["kept out", "lifted", "a scan"]
    assert rows["198.51.100.7/32"][1] == "time over"
    assert lines[3] == "1 network kept out, the time of 1 is over"
    listed = {one["network"]: one for one in typed("block", "--list", "--json").json()}
    assert [one["keptOut"] for one in listed.values()] == [False, True]
    assert set(listed["192.0.2.0/24"]) == {"network", "keptOut", "until", "reason", "since", "by"}
