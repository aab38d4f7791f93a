"""The catalogue and the shapes on the wire."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from projects import events, services
from projects.events import Event
from realtime.eventlog import rfc3339


def test_the_catalogue_follows_its_grammar():
    for event in Event:
        assert re.fullmatch(
            r"(project|column|task|comment|member|person):"
            r"(created|added|updated|moved|deleted|removed)",
            event,
        )


def test_an_envelope_says_what_happened_where_when_and_by_whom(board, people):
    services.task_update(
        actor=people["editor"], task_id=board.tasks[0].pk, changes={"title": "New"}, mutation_id="m-1"
    )
    (event,) = board.events(board.seq - 1)
    assert set(event) == {"event", "projectId", "seq", "at", "actor", "mutationId", "data"}
    assert event["event"] == "task:updated"
    assert event["projectId"] == str(board.id)
    assert event["seq"] == board.seq
    assert event["actor"] == {"id": str(people["editor"].pk), "name": "Editor"}
    assert event["mutationId"] == "m-1"
    assert event["data"]["title"] == "New"


def test_seq_counts_from_one_without_a_hole(board):
    assert [event["seq"] for event in board.events()] == list(range(1, board.seq + 1))


def test_timestamps_are_utc_with_a_z():
    moment = datetime(2026, 7, 1, 12, 30, 15, 123456, timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-07-01T10:30:15.123Z"
    assert rfc3339(datetime(2026, 7, 1, tzinfo=UTC)).endswith("Z")


@pytest.mark.parametrize(
    "name,shown", [({"first_name": "Ed", "last_name": "It"}, "Ed It"), ({"first_name": ""}, "editor")]
)
def test_a_person_is_shown_by_full_name_else_by_username(name, shown, board, people):
    user = services.user_update(actor=board.owner, user_id=people["editor"].pk, values=name)
    assert events.person(user) == {"id": str(user.pk), "name": shown, "username": "editor"}
