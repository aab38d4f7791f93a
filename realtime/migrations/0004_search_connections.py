"""The indexes that searches for connections go by, made without locking gateways out."""

from django.db import migrations, models

from realtime.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("realtime", "0003_operators")]

    operations = [
        AddIndexBesideWriters(
            model_name="connectionrecord",
            index=models.Index(fields=["opened_at"], name="connection_opened"),
        ),
        AddIndexBesideWriters(
            model_name="connectionrecord",
            index=models.Index(fields=["address_key", "opened_at"], name="connection_network"),
        ),
        AddIndexBesideWriters(
            model_name="connectionrecord",
            index=models.Index(fields=["username", "opened_at"], name="connection_username"),
        ),
    ]
