from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0006_membership_accepted"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="project",
            index=models.Index(
                fields=["name", "id"], condition=models.Q(("public", True)), name="public_boards_by_name"
            ),
        ),
    ]
