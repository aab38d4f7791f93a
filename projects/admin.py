"""The domain in the admin. Every add, change and delete is a service's, and so an event like any other.

The services skip the role checks for an operator: Django's own permissions of the admin were checked before.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any, ClassVar, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from projects import services
from projects.errors import DomainError
from projects.models import Column, Comment, Membership, Project, Task, User
from projects.ordering import BOTTOM
from projects.services import granting
from projects.validators import validate_line
from realtime import controls

MOST_LOGGED_OUT = 500
Row = TypeVar("Row", bound=Model)
Fields = tuple[str, ...]


class ServiceMixin:
    """A ModelAdmin whose writes are `create`, `change` and `remove`, which call services.

    What a service refuses undoes the whole request and is shown as a message.
    """

    fixed: ClassVar[Fields] = ()
    """Fields that are chosen once, at creation."""

    def create(self, actor: User, values: dict[str, Any]) -> Model:
        raise NotImplementedError

    def change(self, actor: User, row: Any, values: dict[str, Any]) -> None:
        raise NotImplementedError

    def remove(self, actor: User, row: Any) -> None:
        raise NotImplementedError

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[Any, ...]:
        shown = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        return (*shown, *self.fixed) if obj else tuple(shown)

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool) -> None:
        actor = cast("User", request.user)
        if change:
            self.change(actor, obj, {name: form.cleaned_data[name] for name in form.changed_data})
        else:
            created = self.create(actor, form.cleaned_data)
            obj.pk = created.pk
            obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the services have set groups and permissions. Django's would set those again that were not
        changed here, and that somebody else may have taken away meanwhile.
        """

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(cast("User", request.user), obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.remove(cast("User", request.user), row)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _refusable(super().changeform_view, request, *args, **kwargs)  # type: ignore[misc]

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _refusable(super().delete_view, request, *args, **kwargs)  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _refusable(super().changelist_view, request, *args, **kwargs)  # type: ignore[misc]


class ServiceAdmin(ServiceMixin, admin.ModelAdmin):
    """The same for what is no user."""


def _refusable(view: Callable[..., Any], request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    if request.method != "POST":
        return cast("HttpResponse", view(request, *args, **kwargs))
    try:
        with transaction.atomic():
            answer = view(request, *args, **kwargs)
            # Rendered inside: a list that is deleted is read once more for the confirmation page.
            return cast("HttpResponse", answer.render() if hasattr(answer, "render") else answer)
    except DomainError as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(request.get_full_path())


class PasswordForm(AdminPasswordChangeForm):
    """Sets the password through the service, so that open sockets are checked anew."""

    def __init__(self, actor: User, user: User, *args: Any, **kwargs: Any) -> None:
        self._actor = actor
        super().__init__(user, *args, **kwargs)

    def save(self, commit: bool = True) -> User:
        password = _password(self.cleaned_data)
        found = services.user_set_password(actor=self._actor, user_id=self.user.pk, password=password)
        self.user = found  # whom Django keeps logged in where they have set their own
        return found


def _password(values: dict[str, Any]) -> str | None:
    """What one of Django's forms asks for; None: no log-in by a password."""
    return values["password1"] if values["set_usable_password"] else None


class UserForm(UserChangeForm):
    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=500,
        validators=[validate_line],
        help_text="For the operators' journal, where what the user may do changes.",
    )


@admin.register(User)
class UserAdmin(ServiceMixin, DjangoUserAdmin):
    form = UserForm
    fieldsets = (*cast("tuple[Any, ...]", DjangoUserAdmin.fieldsets), (None, {"fields": ("reason",)}))
    readonly_fields = ("last_login", "date_joined")
    actions = ("log_out_everywhere",)

    @admin.action(description="Log out everywhere", permissions=["change"])
    def log_out_everywhere(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
        """Ends their sessions, tokens and sockets; they may log in again. Asks before."""
        if len(chosen) > MOST_LOGGED_OUT:
            messages.error(request, f"Choose {MOST_LOGGED_OUT} users at the most.")
            return None
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": "Log out everywhere?",
                "chosen": chosen,
                "sockets": controls.live_connections(request.user, (str(user.pk) for user in chosen)),
            }
            return TemplateResponse(request, "projects/admin/log_out_everywhere.html", context)
        actor, reason = cast("User", request.user), request.POST.get("reason", "")
        for user in chosen:
            services.user_log_out_everywhere(user_id=user.pk, actor=actor, reason=reason)
        messages.success(request, f"Logged out everywhere: {', '.join(user.username for user in chosen)}.")
        return None

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[Any, ...]:
        """Staff see what only a superuser gives."""
        shown = super().get_readonly_fields(request, obj)
        return shown if cast("User", request.user).is_superuser else (*shown, *granting.FLAGS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _above(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        acting = copy(self)  # Django's view tells its form nothing of the request
        acting.change_password_form = partial(PasswordForm, cast("User", request.user))
        return _refusable(super(UserAdmin, acting).user_change_password, request, id, form_url)

    def create(self, actor: User, values: dict[str, Any]) -> Model:
        return services.user_create(username=values["username"], password=_password(values))

    def change(self, actor: User, row: User, values: dict[str, Any]) -> None:
        many = {field.name for field in User._meta.many_to_many}
        plain = {name: value for name, value in values.items() if name not in many and name != "password"}
        granted = {name: value for name, value in values.items() if name in many}
        reason = plain.pop("reason", "")
        services.user_update(actor=actor, user_id=row.pk, values=plain, granted=granted, reason=reason)

    def remove(self, actor: User, row: User) -> None:
        services.user_delete(actor=actor, user_id=row.pk)


def _above(request: HttpRequest, user: User | None) -> bool:
    return user is not None and granting.is_above(cast("User", request.user), user)


admin.site.unregister(Group)  # Django's own page, which tells the journal nothing


@admin.register(Group)
class GroupAdmin(ServiceMixin, DjangoGroupAdmin):
    def create(self, actor: User, values: dict[str, Any]) -> Model:
        return services.group_create(actor=actor, **values)

    def change(self, actor: User, row: Group, values: dict[str, Any]) -> None:
        services.group_update(actor=actor, group_id=row.pk, **values)

    def remove(self, actor: User, row: Group) -> None:
        services.group_delete(actor=actor, group_id=row.pk)


@admin.register(Project)
class ProjectAdmin(ServiceAdmin):
    list_display = ("name", "public", "created_at")
    list_filter = ("public",)
    search_fields = ("name", "id")

    def create(self, actor: User, values: dict[str, Any]) -> Model:
        return services.project_create(actor=actor, **values)

    def change(self, actor: User, row: Project, values: dict[str, Any]) -> None:
        services.project_update(actor=actor, project_id=row.pk, operator=True, **values)

    def remove(self, actor: User, row: Project) -> None:
        services.project_delete(actor=actor, project_id=row.pk, operator=True)


@admin.register(Membership)
class MembershipAdmin(ServiceAdmin):
    list_display = ("user", "project", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "project")
    search_fields = ("user__username", "project__name")
    autocomplete_fields = ("project", "user")
    fixed = ("project", "user")

    def create(self, actor: User, values: dict[str, Any]) -> Model:
        return services.member_add(
            actor=actor,
            project_id=values["project"].pk,
            username=values["user"].username,
            role=values["role"],
            operator=True,
        )

    def change(self, actor: User, row: Membership, values: dict[str, Any]) -> None:
        services.member_change(actor=actor, membership_id=row.pk, role=values.get("role"), operator=True)

    def remove(self, actor: User, row: Membership) -> None:
        services.member_remove(actor=actor, membership_id=row.pk, operator=True)


@admin.register(Column)
class ColumnAdmin(ServiceAdmin):
    list_display = ("name", "project", "done", "position")
    list_select_related = ("project",)
    search_fields = ("name", "project__name")
    autocomplete_fields = ("project",)
    fixed = ("project",)

    def create(self, actor: User, values: dict[str, Any]) -> Model:
        return services.column_create(
            actor=actor,
            project_id=values["project"].pk,
            name=values["name"],
            done=values["done"],
            operator=True,
        )

    def change(self, actor: User, row: Column, values: dict[str, Any]) -> None:
        services.column_update(actor=actor, column_id=row.pk, operator=True, **values)

    def remove(self, actor: User, row: Column) -> None:
        services.column_delete(actor=actor, column_id=row.pk, operator=True)


@admin.register(Task)
class TaskAdmin(ServiceAdmin):
    list_display = ("title", "project", "column", "assignee", "due_on", "version", "updated_at")
    list_filter = ("project",)
    list_select_related = ("project", "column", "assignee")
    search_fields = ("title", "id")
    autocomplete_fields = ("project", "column", "assignee")
    fixed = ("project",)

    def create(self, actor: User, values: dict[str, Any]) -> Model:
        return services.task_create(
            actor=actor,
            project_id=values["project"].pk,
            column_id=values["column"].pk,
            operator=True,
            **_task_values(values),
        )

    def change(self, actor: User, row: Task, values: dict[str, Any]) -> None:
        """A new column is a move to its bottom, an event of its own."""
        changes = cast("services.TaskChanges", _task_values(values))
        services.task_update(actor=actor, task_id=row.pk, changes=changes, operator=True)
        if "column" in values:
            services.task_move(
                actor=actor, task_id=row.pk, column_id=values["column"].pk, after=BOTTOM, operator=True
            )

    def remove(self, actor: User, row: Task) -> None:
        services.task_delete(actor=actor, task_id=row.pk, operator=True)


def _task_values(values: dict[str, Any]) -> dict[str, Any]:
    """A form's values as the services' keyword arguments."""
    found: dict[str, Any] = {
        name: values[name] for name in ("title", "description", "due_on") if name in values
    }
    if "labels" in values:
        found["labels"] = values["labels"] or []
    if "assignee" in values:
        found["assignee_id"] = values["assignee"] and values["assignee"].pk
    return found


@admin.register(Comment)
class CommentAdmin(ServiceAdmin):
    list_display = ("__str__", "task", "author", "created_at")
    list_select_related = ("task", "author")
    search_fields = ("text", "task__title", "author__username")
    autocomplete_fields = ("task",)
    fields = ("task", "author", "text")
    readonly_fields = ("author",)
    fixed = ("task",)

    def create(self, actor: User, values: dict[str, Any]) -> Model:
        return services.comment_create(
            actor=actor, task_id=values["task"].pk, text=values["text"], operator=True
        )

    def change(self, actor: User, row: Comment, values: dict[str, Any]) -> None:
        services.comment_update(actor=actor, comment_id=row.pk, text=values.get("text"), operator=True)

    def remove(self, actor: User, row: Comment) -> None:
        services.comment_delete(actor=actor, comment_id=row.pk, operator=True)
