"""The domain's rows. They hold no behaviour: `projects.services` is the only writer."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from projects import limits
from projects.model_fields import LabelList, Prose
from projects.validators import validate_labels, validate_line, validate_not_blank, validate_text


class User(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    first_name = models.CharField(max_length=150, blank=True, validators=[validate_not_blank, validate_line])
    last_name = models.CharField(max_length=150, blank=True, validators=[validate_not_blank, validate_line])
    log_ins_ended = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="how often this user was logged out everywhere"
    )

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What sessions and tokens are held to: another one for each time all of them were ended."""
        if not self.log_ins_ended:
            return str(super()._get_session_auth_hash(secret))  # type: ignore[misc]
        held_to = f"{self.log_ins_ended} {self.password}"
        return salted_hmac("projects.User.log_ins_ended", held_to, secret, algorithm="sha256").hexdigest()

    @property
    def display_name(self) -> str:
        """What other people read: the full name, or the username where there is none."""
        return self.get_full_name() or self.username


class Role(models.TextChoices):
    """What a member may do: read; write; write and decide about members and the project."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class Project(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=limits.NAME, validators=[validate_not_blank, validate_line])
    public = models.BooleanField(default=False, help_text="Everybody may read it, guests too.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Who made it, for the limit of boards that one person may make; its owners may be others by now.
    maker = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, editable=False, related_name="made_projects"
    )
    # What it holds, counted in the transaction of each change (projects.services.sizes).
    task_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    comment_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    characters = models.PositiveBigIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="of titles, descriptions, labels and comments together",
    )

    class Meta:
        ordering = ("name", "id")
        indexes = (
            models.Index(
                fields=("name", "id"), condition=models.Q(public=True), name="public_boards_by_name"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    # PROTECT, here and below: a user who went by a cascade would leave no event behind.
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role)
    # False: the role is by somebody else's will. Of an owner: until they do what only owners may.
    accepted = models.BooleanField(default=True, db_default=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("created_at", "id")
        constraints = (models.UniqueConstraint(fields=("project", "user"), name="one_membership_per_user"),)

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class Column(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="columns")
    name = models.CharField(max_length=limits.NAME, validators=[validate_not_blank, validate_line])
    done = models.BooleanField(
        default=False, db_default=False, help_text="Its tasks are finished, and so never overdue."
    )
    position = models.BigIntegerField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("position", "id")
        indexes = (models.Index(fields=("project", "position", "id"), name="columns_in_order"),)

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="tasks")
    # RESTRICT: a column goes with its whole project, or once its tasks stand elsewhere.
    column = models.ForeignKey(Column, models.RESTRICT, related_name="tasks")
    title = models.CharField(max_length=limits.TITLE, validators=[validate_not_blank, validate_line])
    description = Prose(
        blank=True,
        default="",
        validators=[MaxLengthValidator(limits.DESCRIPTION), validate_text],
    )
    assignee = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="assigned_tasks")
    labels = LabelList(default=list, blank=True, validators=[validate_labels])
    due_on = models.DateField(null=True, blank=True)
    position = models.BigIntegerField(editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("position", "id")
        indexes = (
            models.Index(fields=("column", "position", "id"), name="tasks_in_order"),
            models.Index(fields=("project", "created_at", "id"), name="tasks_by_age"),
        )

    def __str__(self) -> str:
        return self.title


class LabelUse(models.Model):
    """How many tasks of a project carry a label; no row where none does."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="label_uses")
    label = models.CharField(max_length=limits.LABEL)
    tasks = models.PositiveIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "label"), name="one_use_per_label"),)

    def __str__(self) -> str:
        return f"{self.label} ({self.tasks})"


class Comment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(Task, models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, models.PROTECT, related_name="comments")
    text = Prose(validators=[MaxLengthValidator(limits.COMMENT), validate_not_blank, validate_text])
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (models.Index(fields=("task", "created_at", "id"), name="comments_by_age"),)

    def __str__(self) -> str:
        return self.text[:60]


class Creation(models.Model):
    """A row that its client has named: known by that when its creation is sent again.

    No foreign keys: what they point at may be deleted, also by gateways of a version without this table.
    """

    id = models.UUIDField(primary_key=True, editable=False, help_text="of the row")
    user_id = models.UUIDField(editable=False)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, address and body.")
    project_id = models.UUIDField(null=True, editable=False)
    seq = models.BigIntegerField(null=True, help_text="of the event that tells of it")
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return str(self.pk)


class IdempotencyKey(models.Model):
    """The first answer to a request, written in the same transaction as its change."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=limits.IDEMPOTENCY_KEY)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, address and body.")
    # Whose rights decide who is shown the answer; none of before this was kept. It may be gone by now.
    project_id = models.UUIDField(null=True, editable=False)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    # Text, not JSON: a replay must keep the order of the keys, which jsonb does not.
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="one_answer_per_key"),)

    def __str__(self) -> str:
        return self.key
