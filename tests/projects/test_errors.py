"""Bad input: a problem that names the field, never a 500 and never a trace in the database."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projects.conftest import Board, Client, make_people

NUL, LONG = "a\x00b", "x" * 20_001

BAD_VALUES: dict[str, list[Any]] = {
    "title": ["", "  \n", NUL, "x" * 201, None, 7, True, ["a"], {"a": 1}],
    "description": [LONG, NUL, None, 7],
    "labels": [
        *("bug", {"a": 1}, None, 7, [str(number) for number in range(21)]),
        *([""], [" "], [NUL], ["x" * 41], [None], [7], [["a"]], [{}]),
    ],
    "dueOn": [
        *("tomorrow", "2026-02-30", "20260201", "2026-W01-1", "2026-1-1", "٢٠٢٦-٠١-٠١", "", 7, True),
        "2026-01-01T00:00:00Z",
    ],
    "assignee": ["me", "", 7, [], {}, NUL],
    "column": ["first", "", None, 7, [], 2**60],
    "after": ["first", "", 7, []],
    **{name: ["x"] for name in ("id", "version", "position", "createdAt", "due_on", "nonsense")},
}
BAD_TASKS = [({"title": "T", field: bad}, field) for field, values in BAD_VALUES.items() for bad in values]


@pytest.mark.parametrize("body,field", [({}, "title"), *BAD_TASKS])
def test_what_is_wrong_with_a_new_task_is_named(body, field, editor, board):
    seq = board.seq
    answer = editor.post(f"{board.path}/tasks/", body)
    assert answer.status_code == 400, answer.data
    assert answer["Content-Type"] == "application/problem+json"
    assert list(answer.data["errors"]) == [field]
    assert board.seq == seq


@pytest.mark.parametrize("body,field", [case for case in BAD_TASKS if case[1] != "after"])
def test_the_same_holds_for_a_change(body, field, editor, board):
    answer = editor.patch(f"/api/tasks/{board.tasks[0].pk}/", body)
    assert answer.status_code == 400
    assert field in answer.data["errors"]


def test_a_read_only_field_is_told_from_what_is_allowed(editor, board):
    answer = editor.patch(f"/api/tasks/{board.tasks[0].pk}/", {"version": 7})
    assert "allowed: title, description, assignee, labels, dueOn" in answer.data["errors"]["version"][0]


def test_all_faults_are_named_at_once(editor, board):
    answer = editor.post(f"{board.path}/tasks/", {"title": "", "dueOn": "x", "nonsense": 1})
    assert set(answer.data["errors"]) == {"title", "dueOn", "nonsense"}


def test_of_many_faults_the_first_are_told_and_the_others_counted(editor, board):
    unknown = {f"n{number}": 1 for number in range(500)}
    errors = editor.post(f"{board.path}/tasks/", {"title": "", **unknown}).data["errors"]
    assert list(errors) == ["title", "_", *(f"n{number}" for number in range(18))]
    assert errors["_"] == ["500 names are unknown; the first of them follow.", "And 2 more."]


def test_a_name_that_nobody_can_read_is_cut(editor, board):
    errors = editor.post(f"{board.path}/tasks/", {"title": "x", "n" * 1000: 1}).data["errors"]
    assert list(errors) == ["n" * 50 + "…"]


def test_items_are_told_by_their_place(editor, board):
    """By field there are sentences and nothing else, whatever the field holds."""
    errors = editor.post(f"{board.path}/tasks/", {"title": "x", "labels": ["a", "", 7]}).data["errors"]
    assert errors == {
        "labels": ["Item 2: This field may not be blank.", "Item 3: Expected a string, got a number."]
    }


def test_too_many_items_are_counted_and_not_looked_at(editor, owner, board):
    errors = editor.post(f"{board.path}/tasks/", {"title": "x", "labels": [7] * 21}).data["errors"]
    assert errors == {"labels": ["Expected at most 20 items, got 21."]}
    errors = owner.post("/api/projects/", {"name": "x", "columns": [7] * 51}).data["errors"]
    assert errors == {"columns": ["Expected at most 50 items, got 51."]}


@pytest.mark.parametrize("role", ["king", "", 7, None, ["owner"], {"owner": 1}, "x" * 1000, True])
def test_a_role_is_one_of_three(role, owner, board):
    answer = owner.post(f"{board.path}/members/", {"username": "x", "role": role})
    assert answer.status_code == 400
    (said,) = answer.data["errors"]["role"]
    assert "owner, editor, viewer" in said or "null" in said


BAD_BODIES = [
    b"",
    b"[]",
    b'"text"',
    b"7",
    b"null",
    b"{",
    b'{"title": NaN}',
    b'{"title": "\\ud800"}',
    b'{"title": "\xff"}',
    b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b"\xef\xbb\xbf{}",
    b"\x00",
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_body_that_is_no_json_object_is_refused(body, editor, board):
    for method, path in (
        ("POST", f"{board.path}/tasks/"),
        ("POST", "/api/projects/"),
        ("POST", f"/api/tasks/{board.tasks[0].pk}/move/"),
        ("POST", f"/api/tasks/{board.tasks[0].pk}/comments/"),
    ):
        answer = editor.raw(method, path, body)
        assert answer.status_code == 400, (path, answer.data)
        assert answer.data["status"] == 400


@pytest.mark.parametrize("depth", [100, 300, 1000, 5000])
def test_deep_nesting_is_refused_with_a_key_as_without(depth, editor, board):
    body = b'{"title": ' + b"[" * depth + b"]" * depth + b"}"
    for headers in ({}, {"Idempotency-Key": "k"}):
        answer = editor.raw("POST", f"{board.path}/tasks/", body, headers)
        assert answer.status_code == 400


def test_limits_are_met_exactly(editor, owner, board):
    fits = {
        "title": "x" * 200,
        "description": "x" * 20_000,
        "labels": [f"{number:040}" for number in range(20)],
    }
    assert editor.post(f"{board.path}/tasks/", fits).status_code == 201
    comments = f"/api/tasks/{board.tasks[0].pk}/comments/"
    assert editor.post(comments, {"text": "x" * 10_000}).status_code == 201
    assert editor.post(comments, {"text": "x" * 10_001}).status_code == 400
    assert editor.post(comments, {"text": " \n"}).status_code == 400
    for path in ("/api/projects/", f"{board.path}/columns/"):
        assert owner.post(path, {"name": "x" * 120}).status_code == 201
        assert owner.post(path, {"name": "x" * 121}).status_code == 400
        assert owner.post(path, {"name": ""}).status_code == 400


@pytest.mark.parametrize("public", ["true", 1, 0, None, []])
def test_public_is_true_or_false(public, owner):
    answer = owner.post("/api/projects/", {"name": "P", "public": public})
    assert answer.status_code == 400
    assert "public" in answer.data["errors"]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_method_that_is_not_there_is_405(method, editor):
    answer = editor.raw(method.upper(), "/api/projects/", b"{}")
    assert answer.status_code == 405


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=50),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3)
    ),
    max_leaves=5,
)
names = st.sampled_from(
    ["title", "description", "assignee", "labels", "dueOn", "column", "after", "name", "text", "role"]
)


@pytest.mark.django_db
@given(body=st.dictionaries(names, json_values, max_size=4) | json_values)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_at_all_yields_a_500(fuzzed, body):
    board, editor = fuzzed
    for method, path in (
        ("POST", f"{board.path}/tasks/"),
        ("PATCH", f"/api/tasks/{board.tasks[0].pk}/"),
        ("POST", f"/api/tasks/{board.tasks[1].pk}/move/"),
        ("POST", f"{board.path}/columns/"),
        ("PATCH", f"{board.path}/"),
    ):
        answer = editor.raw(method, path, orjson.dumps(body))
        assert answer.status_code < 500


@pytest.fixture
def fuzzed(db) -> tuple[Board, Client]:
    people = make_people()
    return Board(people), Client(people["editor"])
