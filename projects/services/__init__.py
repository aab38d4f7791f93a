"""The only code that writes domain rows; `grep "def task_" projects/services`: all that can happen to a task.

Every service takes keyword arguments: `actor`, who does it; `id`, which the client has chosen for a new row;
`mutation_id`, which its events carry so that the sender knows its own change again; `operator`, True only
from the admin, whose own permissions then stand in for the role. Each locks the project's room first, reads
its rows fresh under that lock, checks the actor's right, writes, and appends one event per change, all in one
transaction. A change that would change nothing writes nothing and returns the entity as it is. All raise
`projects.errors`.
"""

from projects.services.columns import column_create, column_delete, column_move, column_update
from projects.services.comments import comment_create, comment_delete, comment_update
from projects.services.creations import creation_claim, creation_keep, creation_prune, creation_told
from projects.services.groups import group_create, group_delete, group_update
from projects.services.idempotency import idempotency_claim, idempotency_keep, idempotency_prune
from projects.services.members import member_add, member_change, member_remove
from projects.services.projects import project_create, project_delete, project_update
from projects.services.tasks import TaskChanges, task_create, task_delete, task_move, task_update
from projects.services.users import (
    user_create,
    user_delete,
    user_log_out_everywhere,
    user_set_password,
    user_update,
)

__all__ = [
    "TaskChanges",
    "column_create",
    "column_delete",
    "column_move",
    "column_update",
    "comment_create",
    "comment_delete",
    "comment_update",
    "creation_claim",
    "creation_keep",
    "creation_prune",
    "creation_told",
    "group_create",
    "group_delete",
    "group_update",
    "idempotency_claim",
    "idempotency_keep",
    "idempotency_prune",
    "member_add",
    "member_change",
    "member_remove",
    "project_create",
    "project_delete",
    "project_update",
    "task_create",
    "task_delete",
    "task_move",
    "task_update",
    "user_create",
    "user_delete",
    "user_log_out_everywhere",
    "user_set_password",
    "user_update",
]
