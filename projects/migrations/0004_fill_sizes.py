"""Counts what each project holds, and sets its maker: whoever is a member for longest, where an owner."""

from collections import Counter

from django.db import migrations
from django.db.models import Count, Sum
from django.db.models.functions import Length

ROWS_AT_ONCE = 1000


def fill(apps, schema_editor):
    for project in apps.get_model("projects", "Project").objects.iterator():
        count(apps, project)
        first = project.memberships.order_by("created_at", "id").first()
        project.maker_id = first.user_id if first is not None and first.role == "owner" else None
        project.save(update_fields=["task_count", "comment_count", "characters", "maker"])


def count(apps, project):
    labels = Counter()
    tasks = project.tasks.annotate(words=Length("title") + Length("description")).order_by()
    for of_task, words in tasks.values_list("labels", "words").iterator(ROWS_AT_ONCE):
        project.task_count += 1
        project.characters += words + sum(map(len, of_task))
        labels.update(of_task)
    comments = apps.get_model("projects", "Comment").objects.filter(task__project=project)
    found = comments.aggregate(rows=Count("id"), characters=Sum(Length("text")))
    project.comment_count = found["rows"]
    project.characters += found["characters"] or 0
    model = apps.get_model("projects", "LabelUse")
    uses = [model(project=project, label=label, tasks=tasks) for label, tasks in labels.items()]
    model.objects.bulk_create(uses, batch_size=ROWS_AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0003_sizes"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
