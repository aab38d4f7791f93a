from django.db import migrations, models

from realtime.migration_operations import AddTimeline


class Migration(migrations.Migration):
    dependencies = [
        ("realtime", "0009_service_tokens"),
    ]

    operations = [
        AddTimeline(
            model_name="roomhead",
            name="timeline",
            field=models.CharField(
                db_default="",
                default="",
                help_text="of the database, when this was written last; empty: not known",
                max_length=100,
            ),
        ),
    ]
