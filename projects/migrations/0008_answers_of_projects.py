from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0007_public_boards_by_name"),
    ]

    operations = [
        migrations.AddField(
            model_name="idempotencykey",
            name="project_id",
            field=models.UUIDField(editable=False, null=True),
        ),
    ]
