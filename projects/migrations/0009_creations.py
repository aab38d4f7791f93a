import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0008_answers_of_projects"),
    ]

    operations = [
        migrations.CreateModel(
            name="Creation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        editable=False, help_text="of the row", primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(editable=False)),
                (
                    "fingerprint",
                    models.CharField(help_text="SHA-256 of method, address and body.", max_length=64),
                ),
                ("project_id", models.UUIDField(editable=False, null=True)),
                ("seq", models.BigIntegerField(help_text="of the event that tells of it", null=True)),
                ("headers", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
    ]
