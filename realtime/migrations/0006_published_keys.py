"""The index by which a service's event is found under its Idempotency-Key, made without locking writers out."""

from django.db import migrations, models

from realtime.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("realtime", "0005_gateway_memory")]

    operations = [
        AddIndexBesideWriters(
            model_name="event",
            index=models.Index(
                fields=["room", "mutation_id"],
                name="event_published_key",
                condition=models.Q(actor_id=None, mutation_id__isnull=False),
            ),
        ),
    ]
