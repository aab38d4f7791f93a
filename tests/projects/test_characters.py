"""What acts where it is shown is refused in every name, title and text, at each of their doors."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.test import Client as Browser
from rest_framework import serializers

import projects.api
from projects import services
from projects.api import requests
from projects.api.fields import Line, List, StrictSerializer, Text
from projects.errors import Invalid
from projects.models import User
from projects.validators import validate_line, validate_text
from realtime.models import OperatorAction
from tests.support.characters import IN_ANY, IN_NO_LINE, IN_NO_TEXT

OWN_RULE = {"username", "email", "password", "key", "fingerprint", "body", "label", "role"}


def fields() -> Iterator[tuple[type[StrictSerializer], str, serializers.Field]]:
    """Each field of text in a request's body or query."""
    for value in vars(requests).values():
        if isinstance(value, type) and issubclass(value, StrictSerializer) and value is not StrictSerializer:
            for name, field in value().fields.items():
                held = field.child if isinstance(field, List) else field
                if isinstance(held, serializers.CharField) and not isinstance(held, serializers.RegexField):
                    yield value, name, field


def faults(shape: type[StrictSerializer], name: str, field: serializers.Field, text: str) -> Any:
    serializer = shape(data={name: [text] if isinstance(field, List) else text})
    serializer.is_valid()
    return serializer.errors.get(name)


def test_every_text_of_a_request_is_held_to_the_rule() -> None:
    found = list(fields())
    assert len(found) > 12
    for shape, name, field in found:
        held = field.child if isinstance(field, List) else field
        assert isinstance(held, Text), (shape, name)
        refused = IN_NO_LINE if isinstance(held, Line) else IN_NO_TEXT
        for character in refused:
            assert faults(shape, name, field, f"a{character}b"), (shape, name, character)
        for text in IN_ANY:
            assert not faults(shape, name, field, text[:30]), (shape, name, text)


OWN_RULE = {"username", "email", "password", "key", "fingerprint", "body", "label", "role"}


def test_no_shape_of_a_request_stands_elsewhere() -> None:
    """Serializers of requests stand in the one module that is looked through here."""
    for info in pkgutil.iter_modules(projects.api.__path__):
        module = importlib.import_module(f"projects.api.{info.name}")
        for name, value in vars(module).items():
            if (
                isinstance(value, type)
                and issubclass(value, StrictSerializer)
                and value is not StrictSerializer
            ):
                assert value.__module__ == requests.__name__, name


def test_every_column_of_text_is_held_to_the_rule() -> None:
    """Whatever writes it: the services check rows by these."""
    for model in apps.get_app_config("projects").get_models():
        for field in model._meta.fields:
            if isinstance(field, models.CharField | models.TextField) and field.name not in OWN_RULE:
                assert validate_line in field.validators or validate_text in field.validators, field
    username = User._meta.get_field("username")
    (pattern,) = (each for each in username.validators if isinstance(each, RegexValidator))
    for character in IN_NO_LINE:
        with pytest.raises(ValidationError):
            pattern(f"a{character}b")


def test_the_api_says_which_character_it_was(editor, board) -> None:
    answer = editor.post(f"{board.path}/tasks/", {"title": "safe\u202eexe.txt"})
    assert answer.status_code == 400
    assert answer.data["errors"] == {
        "title": ["U+202E (right-to-left override), character 5, is not allowed here."]
    }


def test_a_new_board_of_the_page_too(people) -> None:
    browser = Browser()
    browser.force_login(people["owner"])
    answer = browser.post("/projects", {"name": "a\u202eb"})
    assert answer.status_code == 400
    assert "U+202E" in answer.content.decode()


def test_names_of_people_too(people) -> None:
    with pytest.raises(Invalid, match=r"U\+001B"):
        services.user_update(
            actor=people["owner"], user_id=people["editor"].pk, values={"first_name": "\x1b[31mRoot"}
        )


@pytest.fixture
def operator(people) -> Browser:
    browser = Browser()
    browser.force_login(
        services.user_create(username="operator", password=None, is_superuser=True, is_staff=True)
    )
    return browser


def test_forms_of_the_admin_name_the_character(operator, board):
    for path, form in {
        f"project/{board.project.pk}/change/": {"name": "a\u202eb"},
        f"column/{board.columns[0].pk}/change/": {"name": "a\u202eb"},
        f"task/{board.tasks[0].pk}/change/": {"title": "a\u202eb", "column": str(board.columns[0].pk)},
        f"user/{board.owner.pk}/change/": {"first_name": "a\u202eb"},
    }.items():
        answer = operator.post(f"/admin/projects/{path}", form)
        assert (answer.status_code, "U+202E" in answer.content.decode()) == (200, True), path


def test_reasons_in_the_admin_are_refused_and_nothing_is_done(operator, people):
    user = people["editor"]
    for path, form in {
        "": {"action": "log_out_everywhere", "_selected_action": str(user.pk), "confirmed": "yes"},
        f"{user.pk}/change/": {"username": user.username, "is_staff": "on"},
    }.items():
        answer = operator.post(f"/admin/projects/user/{path}", {**form, "reason": "a\u202eb"})
        assert (answer.status_code in (200, 400), "U+202E" in answer.content.decode()) == (True, True), path
    assert not OperatorAction.objects.exists()
    assert User.objects.get(pk=user.pk).log_ins_ended == 0
