"""What people write has one form on the way in: line ends, labels, and nothing that cannot be seen."""

import unicodedata
from collections import Counter

import pytest
from django.test import Client as Browser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects import services
from projects.errors import Invalid
from projects.models import Comment, LabelUse, Project, Task, User
from projects.spelling import distinct_labels, label_key, with_line_feeds
from realtime.characters import has_visible
from tests.projects.conftest import Board, make_people
from tests.support.characters import IN_ANY

UNSEEN = [
    "\u200b",
    "\u200d\u200c",
    "\ufe0f",
    "\u0301",
    "\u00ad",
    "\u034f",
    "\u3164",
    "\u2800",
    "\u2003\u200b",
    "\u17b5",
]
# Emoji of a Unicode that Python does not know yet, private signs of a font, one letter of any script.
SEEN = [
    "x",
    "7",
    "!",
    "न\u093f",
    "ー",
    "\U0001fae8",
    "\ue000",
    "1\ufe0f\u20e3",
    "\N{REGIONAL INDICATOR SYMBOL LETTER A}",
]


def uses(board: Board) -> dict[str, int]:
    return dict(LabelUse.objects.filter(project=board.id).values_list("label", "tasks"))


def carried(board: Board) -> dict[str, int]:
    rows = Task.objects.filter(project=board.id).values_list("labels", flat=True)
    return dict(Counter(label for labels in rows for label in labels))


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb", "a\nb"])
def test_a_line_ends_in_one_way_however_it_was_sent(text, editor, board):
    task = editor.post(f"{board.path}/tasks/", {"title": "T", "description": text}).data
    assert task["description"] == "a\nb"
    path = f"/api/tasks/{task['id']}/"
    comment = editor.post(f"{path}comments/", {"text": text}).data
    assert comment["text"] == "a\nb"
    seq = board.seq
    editor.patch(path, {"description": text})
    editor.patch(f"/api/comments/{comment['id']}/", {"text": text})
    assert board.seq == seq, "nothing has changed"


def test_an_editor_who_only_looks_at_a_text_of_before_changes_nothing(editor, board):
    """A browser's box gives back its line ends as LF."""
    task = board.tasks[0]
    comment = services.comment_create(actor=board.people["editor"], task_id=task.pk, text="x")
    Task.objects.filter(pk=task.pk).update(description="a\r\nb\rc")
    Comment.objects.filter(pk=comment.pk).update(text="a\r\nb\rc")
    seq = board.seq
    assert editor.patch(f"/api/tasks/{task.pk}/", {"description": "a\nb\nc"}).data["version"] == 1
    editor.patch(f"/api/comments/{comment.pk}/", {"text": "a\nb\nc"})
    assert board.seq == seq
    changed = editor.patch(f"/api/tasks/{task.pk}/", {"description": "a\nb\nc!"}).data
    assert (changed["description"], changed["version"]) == ("a\nb\nc!", 2)


def test_a_text_of_the_greatest_length_is_counted_in_its_one_form(editor, board):
    whole = "\n".join("x" * 99 for _ in range(200))
    answer = editor.post(f"{board.path}/tasks/", {"title": "T", "description": whole.replace("\n", "\r\n")})
    assert (answer.status_code, answer.data["description"]) == (201, whole)


def test_the_same_text_with_other_line_ends_is_the_same_request(editor, board):
    path = f"{board.path}/tasks/"
    for key, end in (("k", "\r\n"), ("k", "\n")):
        answer = editor.post(path, {"title": "T", "description": f"a{end}b"}, Idempotency_Key=key)
        assert answer.status_code == 201


def test_the_admin_sends_a_text_back_as_browsers_do_and_changes_nothing(board):
    admin = Browser()
    admin.force_login(services.user_create(username="root", password=None, is_staff=True, is_superuser=True))
    task, seq = board.add_task(description="a\nb", labels=["Bug"]), board.seq
    form = {
        "title": task.title,
        "description": "a\r\nb",
        "labels": '["Bug", "bug"]',
        "column": task.column_id,
    }
    assert admin.post(f"/admin/projects/task/{task.pk}/change/", form).status_code == 302
    assert board.seq == seq


@pytest.mark.parametrize("text", UNSEEN, ids=ascii)
def test_what_cannot_be_seen_is_no_title_name_label_or_comment(text, owner, board):
    task, seq = f"/api/tasks/{board.tasks[0].pk}/", board.seq
    for method, path, body, field in (
        ("post", f"{board.path}/tasks/", {"title": text}, "title"),
        ("patch", task, {"title": text}, "title"),
        ("patch", task, {"labels": ["bug", text]}, "labels"),
        ("post", f"{task}comments/", {"text": text}, "text"),
        ("post", f"{board.path}/columns/", {"name": text}, "name"),
        ("patch", f"/api/columns/{board.columns[0].pk}/", {"name": text}, "name"),
        ("post", "/api/projects/", {"name": text}, "name"),
        ("post", "/api/projects/", {"name": "B", "columns": ["To do", text]}, "columns"),
        ("patch", f"{board.path}/", {"name": text}, "name"),
    ):
        answer = getattr(owner, method)(path, body)
        assert answer.status_code == 400, (path, body)
        (sentence,) = answer.data["errors"][field]
        assert sentence.endswith("Expected at least one character that can be seen."), (path, body)
    assert (board.seq, Project.objects.count()) == (seq, 1)


@pytest.mark.parametrize("text", [*SEEN, *IN_ANY], ids=ascii)
def test_whatever_can_be_seen_is_taken(text, editor, board):
    answer = editor.post(f"{board.path}/tasks/", {"title": text, "labels": [text[:40]]})
    assert (answer.status_code, answer.data["title"], answer.data["labels"]) == (201, text, [text[:40]])


def test_a_person_or_a_new_board_of_the_page_has_a_name_that_can_be_seen(people):
    for name in ("first_name", "last_name"):
        with pytest.raises(Invalid, match="can be seen"):
            services.user_update(actor=people["owner"], user_id=people["editor"].pk, values={name: "\u200b"})
    browser = Browser()
    browser.force_login(people["owner"])
    page = browser.post("/projects", {"name": "\u200b"})
    assert (page.status_code, "can be seen" in page.content.decode()) == (400, True)
    assert User.objects.get(pk=people["editor"].pk).display_name == "Editor"


def test_labels_that_differ_in_case_or_form_alone_are_one_label(editor, board):
    """The first of its spellings stays."""
    given = ["Bug", "bug", "BUG", "Café", "Cafe\u0301", "straße", "STRASSE", "other"]
    task = editor.post(f"{board.path}/tasks/", {"title": "T", "labels": given}).data
    assert task["labels"] == ["Bug", "Café", "straße", "other"]
    assert uses(board) == {"Bug": 1, "Café": 1, "straße": 1, "other": 1}


def test_a_label_that_the_board_has_keeps_the_boards_spelling(editor, board):
    first, second = (f"/api/tasks/{task.pk}/" for task in board.tasks[:2])
    editor.patch(first, {"labels": ["Bug", "Mañana"]})
    assert editor.patch(second, {"labels": ["BUG", "man\u0303ana", "new"]}).data["labels"] == [
        "Bug",
        "Mañana",
        "new",
    ]
    assert uses(board) == carried(board) == {"Bug": 2, "Mañana": 2, "new": 1}
    seq = board.seq
    assert editor.patch(first, {"labels": ["bug", "MAÑANA"]}).data["labels"] == ["Bug", "Mañana"]
    assert board.seq == seq, "the same labels in another spelling are no change"
    editor.patch(first, {"labels": []})
    editor.patch(second, {"labels": []})
    assert editor.patch(first, {"labels": ["bug"]}).data["labels"] == ["bug"], "no task spells it otherwise"


def test_another_board_spells_as_it_likes(editor, board, people):
    other = Board(people)
    editor.patch(f"/api/tasks/{board.tasks[0].pk}/", {"labels": ["Bug"]})
    assert editor.patch(f"/api/tasks/{other.tasks[0].pk}/", {"labels": ["bug"]}).data["labels"] == ["bug"]


def test_as_many_labels_as_a_board_may_have_are_counted_in_their_one_spelling(settings, editor, board):
    settings.MAX_LABELS_PER_BOARD = 1
    first, second = (f"/api/tasks/{task.pk}/" for task in board.tasks[:2])
    assert editor.patch(first, {"labels": ["Bug", "bug"]}).status_code == 200
    assert editor.patch(second, {"labels": ["BUG"]}).status_code == 200
    assert editor.patch(second, {"labels": ["BUG", "other"]}).status_code == 409


def test_spellings_of_before_stay_until_somebody_changes_them(editor, board):
    """No event would tell of a change that nobody made. A card's own spelling is not turned into another."""
    first, second, third = board.tasks
    for task, labels in ((first, ["Bug", "bug"]), (second, ["bug"])):
        Task.objects.filter(pk=task.pk).update(labels=labels)
    for label, tasks in (("Bug", 1), ("bug", 2)):
        LabelUse.objects.create(project=board.project, label=label, tasks=tasks)
    seq = board.seq
    editor.patch(f"/api/tasks/{first.pk}/", {"labels": ["Bug", "bug"]})
    assert board.seq == seq
    assert editor.patch(f"/api/tasks/{third.pk}/", {"labels": ["BUG"]}).data["labels"] == ["bug"], (
        "the usual one"
    )
    assert editor.patch(f"/api/tasks/{first.pk}/", {"labels": ["Bug", "x"]}).data["labels"] == ["Bug", "x"]
    assert uses(board) == carried(board) == {"Bug": 1, "bug": 2, "x": 1}


ALIKE = ["bug", "Bug", "BUG", "é", "e\u0301", "É", "ß", "ss", "SS", "ſs", "σ", "ς", "Σ", "İ", "i\u0307"]
ANY = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=3)
SHOWN = ANY.filter(lambda text: has_visible(text) and text == text.strip())
LABELS = st.lists(st.sampled_from(ALIKE) | SHOWN, max_size=6)


@pytest.mark.django_db
@given(changes=st.lists(st.tuples(st.integers(0, 2), LABELS), max_size=12))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_labels_are_given_in_whatever_order_a_board_has_each_once(changes):
    Project.objects.all().delete()
    User.objects.all().delete()
    board = Board(make_people())
    for place, labels in changes:
        task = services.task_update(
            actor=board.owner, task_id=board.tasks[place].pk, changes={"labels": labels}
        )
        assert {label_key(label) for label in task.labels} == {label_key(label) for label in labels}
        assert len(task.labels) == len({label_key(label) for label in labels})
        seq = board.seq
        services.task_update(actor=board.owner, task_id=task.pk, changes={"labels": labels})
        assert board.seq == seq, "the same again is no change"
    assert uses(board) == carried(board)
    assert len({label_key(label) for label in uses(board)}) == len(uses(board))


@given(st.text())
def test_one_form_is_a_form_that_stays(text):
    assert with_line_feeds(with_line_feeds(text)) == with_line_feeds(text)
    assert "\r" not in with_line_feeds(text)
    assert with_line_feeds(text).splitlines() == text.splitlines()
    for form in ("NFC", "NFD"):
        assert label_key(unicodedata.normalize(form, text)) == label_key(text)
    assert distinct_labels([text, text.upper(), text.casefold()])[0] == text


@given(st.text(), st.text())
def test_more_text_is_never_less_to_see(text, more):
    assert has_visible(text + more) == (has_visible(text) or has_visible(more))
