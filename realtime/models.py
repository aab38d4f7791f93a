"""The tables of the event log."""

from django.db import models


class RoomHead(models.Model):
    """A room's counter row: whoever locks it may append, so order of seq is order of commit."""

    room = models.CharField(max_length=100, primary_key=True)
    seq = models.BigIntegerField(default=0, help_text="seq of the newest event, 0 before the first")
    trimmed = models.BigIntegerField(default=0, help_text="events up to this seq are no longer kept")

    closed = models.BooleanField(default=False, help_text="nothing is appended any more")

    def __str__(self) -> str:
        return f"{self.room} at {self.seq}"


class Event(models.Model):
    """One row of the log.

    `envelope` is the wire object, as text, just as every transport sends it: readers parse and build
    nothing, and an event written by one version reads the same in the next. The other columns are for
    looking things up.
    """

    room = models.CharField(max_length=100)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=100)
    envelope = models.TextField()
    actor_id = models.CharField(max_length=100, null=True)
    mutation_id = models.CharField(max_length=200, null=True)
    at = models.DateTimeField()
    reauthorise = models.BooleanField(
        default=False, help_text="members of the room are authorised anew before the next event"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "seq"], name="event_room_seq")]
        ordering = ["room", "seq"]

    def __str__(self) -> str:
        return f"{self.room}#{self.seq} {self.event}"
