from django.db import migrations, models

from projects.validators import validate_line, validate_not_blank


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0009_creations"),
    ]

    operations = [
        migrations.AlterField(
            model_name="user",
            name=name,
            field=models.CharField(
                blank=True, max_length=150, validators=[validate_not_blank, validate_line]
            ),
        )
        for name in ("first_name", "last_name")
    ]
