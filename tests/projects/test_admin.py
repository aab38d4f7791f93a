"""The admin: every add, change and delete is an event like any other, and a refusal is a sentence."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser

from projects import services
from projects.models import Column, Comment, Membership, Project, Task, User
from realtime.models import OperatorAction
from tests.support.reducer import replay


@pytest.fixture
def operator(people) -> User:
    return services.user_create(username="operator", password=None, is_staff=True, is_superuser=True)


@pytest.fixture
def admin(operator) -> Browser:
    browser = Browser()
    browser.force_login(operator)
    return browser


def submit(admin: Browser, path: str, expected: int = 302, **fields: Any):
    answer = admin.post(f"/admin/projects/{path}", fields)
    assert answer.status_code == expected, answer.content.decode()[:3000]
    return answer


def said(admin: Browser) -> str:
    """The messages that the next page shows."""
    page = admin.get("/admin/projects/project/").content.decode()
    return page.partition('class="messagelist"')[2].partition("</ul>")[0]


def kinds(board, since: int) -> list[str]:
    return [event["event"] for event in board.events(since)]


def test_every_page_opens(admin, board):
    comment = services.comment_create(actor=board.owner, task_id=board.tasks[0].pk, text="Hello")
    rows = [board.project, board.columns[0], board.tasks[0], board.membership("owner"), board.owner, comment]
    for row in rows:
        name = row._meta.model_name
        for page in ("", "add/", f"{row.pk}/change/", f"{row.pk}/delete/", f"{row.pk}/history/", "?q=a"):
            assert admin.get(f"/admin/projects/{name}/{page}").status_code == 200, (name, page)


def test_a_project_is_added_changed_and_deleted(admin, operator, people):
    submit(admin, "project/add/", name="New")
    project = Project.objects.get()
    assert Membership.objects.get(project=project).user == operator
    submit(admin, f"project/{project.pk}/change/", name="Renamed", public="on")
    project.refresh_from_db()
    assert (project.name, project.public) == ("Renamed", True)
    submit(admin, f"project/{project.pk}/delete/", post="yes")
    assert not Project.objects.exists()


def test_a_task_is_added_changed_moved_and_deleted(admin, board, people):
    before = board.snapshot()
    column, other = board.columns[0], board.columns[1]
    given: dict[str, Any] = {"title": "New", "description": "", "labels": '["a"]', "due_on": "2030-01-31"}
    submit(admin, "task/add/", project=board.id, column=column.pk, assignee=people["editor"].pk, **given)
    task = Task.objects.get(title="New")
    assert (task.labels, task.assignee, task.column) == (["a"], people["editor"], column)
    submit(
        admin,
        f"task/{task.pk}/change/",
        **{**given, "title": "Renamed", "labels": "[]"},
        column=other.pk,
        assignee="",
    )
    task.refresh_from_db()
    assert (task.title, task.labels, task.assignee, task.column) == ("Renamed", [], None, other)
    submit(admin, f"task/{task.pk}/delete/", post="yes")
    assert kinds(board, before["seq"]) == ["task:created", "task:updated", "task:moved", "task:deleted"]
    assert board.events(before["seq"])[0]["actor"]["name"] == "operator"
    assert replay(before, board.events(before["seq"])) == board.snapshot()


def test_saving_a_task_unchanged_writes_nothing(admin, board):
    task, seq = board.tasks[0], board.seq
    submit(
        admin, f"task/{task.pk}/change/", title=task.title, description="", labels="[]", column=task.column_id
    )
    assert board.seq == seq


def test_the_other_rows_are_added_changed_and_deleted(admin, board):
    before = board.snapshot()
    submit(admin, "column/add/", project=board.id, name="New")
    column = Column.objects.get(name="New")
    submit(admin, f"column/{column.pk}/change/", name="Newer")
    submit(admin, f"column/{column.pk}/delete/", post="yes")
    submit(admin, "membership/add/", project=board.id, user=board.people["outsider"].pk, role="viewer")
    member = board.membership("outsider")
    submit(admin, f"membership/{member.pk}/change/", role="editor")
    submit(admin, f"membership/{member.pk}/delete/", post="yes")
    submit(admin, "comment/add/", task=board.tasks[0].pk, text="Hello")
    comment = Comment.objects.get()
    submit(admin, f"comment/{comment.pk}/change/", text="Hello again")
    submit(admin, f"comment/{comment.pk}/delete/", post="yes")
    assert kinds(board, before["seq"]) == [
        *("column:created", "column:updated", "column:deleted"),
        *("member:added", "member:updated", "member:removed"),
        *("comment:created", "comment:updated", "comment:deleted"),
    ]
    assert replay(before, board.events(before["seq"])) == board.snapshot()


def delete_selected(admin: Browser, model: str, rows: list):
    return submit(
        admin,
        f"{model}/",
        action="delete_selected",
        _selected_action=[row.pk for row in rows],
        post="yes",
    )


def test_deleting_several_at_once_is_an_event_for_each(admin, board):
    seq = board.seq
    delete_selected(admin, "task", board.tasks[:2])
    assert kinds(board, seq) == ["task:deleted", "task:deleted"]
    assert LogEntry.objects.filter(action_flag=3).count() == 2


def test_the_confirmation_page_changes_nothing(admin, board):
    seq = board.seq
    answer = admin.post(
        "/admin/projects/task/", {"action": "delete_selected", "_selected_action": [board.tasks[0].pk]}
    )
    assert answer.status_code == 200
    assert board.seq == seq


def test_where_one_of_several_is_refused_none_goes_and_the_reason_is_shown(admin, board):
    seq = board.seq
    viewer, owner = board.membership("viewer"), board.membership("owner")
    delete_selected(admin, "membership", [viewer, owner])
    assert "last owner" in said(admin)
    assert board.seq == seq
    assert Membership.objects.filter(project=board.project).count() == 3
    assert not LogEntry.objects.exists()


def test_what_a_service_refuses_is_shown_as_a_message(admin, board):
    seq = board.seq
    owner = board.membership("owner")
    submit(admin, f"membership/{owner.pk}/change/", role="viewer")
    assert "last owner" in said(admin)
    submit(admin, f"membership/{owner.pk}/delete/", post="yes")
    assert "last owner" in said(admin)
    submit(
        admin,
        "task/add/",
        project=board.id,
        column=board.columns[0].pk,
        title="T",
        labels="[]",
        assignee=board.people["outsider"].pk,
    )
    assert "member of this project" in said(admin)
    assert board.seq == seq


def test_a_form_names_its_own_faults(admin, board):
    task = board.tasks[0]
    page = submit(
        admin, f"task/{task.pk}/change/", 200, title="  ", labels='["\u200b"]', column=task.column_id
    ).content.decode()
    assert "can be seen" in page
    assert "This field is required" in page or "blank" in page


@pytest.mark.parametrize("labels", ["[" * 100_000, '{"a":' * 5000, "[" * 200 + "]" * 200, "NaN"])
def test_a_field_of_json_that_cannot_be_read_is_a_fault_of_the_form(admin, board, labels):
    task = board.tasks[0]
    page = submit(admin, f"task/{task.pk}/change/", 200, title="T", labels=labels, column=task.column_id)
    assert "Enter a valid JSON" in page.content.decode()


def test_a_user_renamed_in_the_admin_is_told_on_every_board(admin, board, people):
    editor, before = people["editor"], board.snapshot()
    submit(
        admin,
        f"user/{editor.pk}/change/",
        username="editor",
        first_name="Edith",
        last_name="",
        email="",
        is_active="on",
    )
    assert kinds(board, before["seq"]) == ["member:updated"]
    assert replay(before, board.events(before["seq"])) == board.snapshot()


def test_users_are_added_given_a_password_and_deleted(admin, people):
    words: dict[str, Any] = {"password1": "a quite long pass phrase", "password2": "a quite long pass phrase"}
    submit(admin, "user/add/", username="newcomer", usable_password="true", **words)
    newcomer = User.objects.get(username="newcomer")
    assert newcomer.check_password(words["password1"])
    other: dict[str, Any] = {
        "password1": "quite another pass phrase",
        "password2": "quite another pass phrase",
    }
    submit(admin, f"user/{newcomer.pk}/password/", usable_password="true", **other)
    newcomer.refresh_from_db()
    assert newcomer.check_password(other["password1"])
    submit(admin, f"user/{newcomer.pk}/password/", **{"usable_password": "false", "unset-password": "yes"})
    newcomer.refresh_from_db()
    assert not newcomer.has_usable_password()
    submit(admin, f"user/{newcomer.pk}/delete/", post="yes")
    assert not User.objects.filter(username="newcomer").exists()


def test_a_user_without_a_password_cannot_log_in_by_an_empty_one(admin):
    submit(admin, "user/add/", username="newcomer", usable_password="false", password1="", password2="")
    newcomer = User.objects.get(username="newcomer")
    assert not newcomer.has_usable_password()
    assert not newcomer.check_password("")


def test_logging_out_everywhere_asks_before_and_keeps_the_reason(admin, people):
    editor = people["editor"]
    chosen = {"action": "log_out_everywhere", "_selected_action": editor.pk}
    asked = admin.post("/admin/projects/user/", chosen).content.decode()
    assert "every token and 0 live connections of:" in asked
    assert not OperatorAction.objects.exists()
    admin.post("/admin/projects/user/", {**chosen, "confirmed": "yes", "reason": "lost laptop"})
    entry = OperatorAction.objects.get()
    assert (entry.target, entry.reason) == (f"user {editor.username}", "lost laptop")
    editor.refresh_from_db()
    assert editor.log_ins_ended == 1


def test_what_a_user_may_do_is_written_into_the_operators_journal(admin, people):
    support = Group.objects.create(name="Support")
    editor = people["editor"]
    kept: dict[str, Any] = {
        "username": editor.username,
        "first_name": editor.first_name,
        "last_name": "",
        "email": "",
    }
    given = {"is_staff": "on", "groups": [support.pk], "reason": "on support from Monday"}
    submit(admin, f"user/{editor.pk}/change/", **kept, **given)
    submit(
        admin,
        f"user/{editor.pk}/change/",
        **{**kept, "email": "e@example.org"},
        is_staff="on",
        groups=[support.pk],
    )
    words = {"password1": "a quite long pass phrase", "password2": "a quite long pass phrase"}
    submit(admin, f"user/{editor.pk}/password/", usable_password="true", **words)
    rights, password = OperatorAction.objects.order_by("seq")
    assert (rights.actor, rights.action, rights.target) == ("operator", "rights", f"user {editor.username}")
    assert rights.reason == "on support from Monday"
    assert rights.old == {"is_active": True, "is_staff": False, "groups": []}
    assert rights.new == {"is_active": False, "is_staff": True, "groups": ["Support"]}
    assert (password.action, password.target) == ("password", f"user {editor.username}")
    assert (password.old, password.new) == (None, "a new one")


def test_who_sets_their_own_password_in_the_admin_stays_logged_in(admin, operator):
    words = {"password1": "a quite long pass phrase", "password2": "a quite long pass phrase"}
    submit(admin, f"user/{operator.pk}/password/", usable_password="true", **words)
    assert admin.get("/admin/projects/user/").status_code == 200


def test_only_who_may_change_users_logs_them_out_and_only_operators_hear_of_their_sockets(people):
    editor = people["editor"]
    chosen = {"action": "log_out_everywhere", "_selected_action": editor.pk}
    for permission, asks in (("view_user", False), ("change_user", True)):
        member = services.user_create(username=permission, password=None, is_staff=True)
        member.user_permissions.set(Permission.objects.filter(codename__in=[permission, "view_user"]))
        browser = Browser()
        browser.force_login(member)
        page = browser.post("/admin/projects/user/", chosen, follow=True).content.decode()
        assert ("every token and every live connection of:" in page) is asks
        browser.post("/admin/projects/user/", {**chosen, "confirmed": "yes"})
        editor.refresh_from_db()
        assert editor.log_ins_ended == asks


def test_a_user_on_a_board_is_not_deleted(admin, board, people):
    admin.post(f"/admin/projects/user/{people['viewer'].pk}/delete/", {"post": "yes"})
    delete_selected_users = {
        "action": "delete_selected",
        "_selected_action": [people["viewer"].pk],
        "post": "yes",
    }
    admin.post("/admin/projects/user/", delete_selected_users)
    assert User.objects.filter(username="viewer").exists()
