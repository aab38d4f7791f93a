from django.db import migrations, models

import projects.validators


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0004_fill_sizes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="column",
            name="name",
            field=models.CharField(
                max_length=120,
                validators=[projects.validators.validate_not_blank, projects.validators.validate_line],
            ),
        ),
        migrations.AlterField(
            model_name="project",
            name="name",
            field=models.CharField(
                max_length=120,
                validators=[projects.validators.validate_not_blank, projects.validators.validate_line],
            ),
        ),
        migrations.AlterField(
            model_name="task",
            name="title",
            field=models.CharField(
                max_length=200,
                validators=[projects.validators.validate_not_blank, projects.validators.validate_line],
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="first_name",
            field=models.CharField(
                blank=True, max_length=150, validators=[projects.validators.validate_line]
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="last_name",
            field=models.CharField(
                blank=True, max_length=150, validators=[projects.validators.validate_line]
            ),
        ),
    ]
