from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0005_lines"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="accepted",
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
    ]
