"""The tables of the event log, and those that say which gateways and connections there are."""

from django.db import models
from django.db.models import Q


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


class GatewayProcess(models.Model):
    """One gateway process and its lease. Every time here is told by the database's own clock."""

    instance = models.CharField(max_length=150, primary_key=True)
    version = models.CharField(max_length=50)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    renewed_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="taken for dead from then on, unless renewed")
    ended_at = models.DateTimeField(null=True, help_text="stopped, or found dead by another gateway")
    connections = models.PositiveIntegerField(default=0, help_text="open sockets at the last renewal")
    bell_healthy = models.BooleanField(default=True, help_text="whether it hears what others publish")

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="gateway_live", condition=Q(ended_at=None))]
        ordering = ["started_at", "instance"]
        verbose_name_plural = "gateway processes"

    def __str__(self) -> str:
        return self.instance


class ConnectionRecord(models.Model):
    """One socket, open or closed. `user_id` and `username` are null for a guest; times as above."""

    id = models.UUIDField(primary_key=True)
    gateway = models.ForeignKey(GatewayProcess, on_delete=models.CASCADE, related_name="records")
    user_id = models.CharField(max_length=100, null=True)
    username = models.CharField(max_length=150, null=True)
    address = models.CharField(max_length=100)
    agent = models.CharField(max_length=200)
    transport = models.CharField(
        max_length=20, choices=[("websocket", "WebSocket"), ("socketio", "Socket.IO")]
    )
    rooms = models.JSONField(default=list, help_text="ids of the rooms that it has joined")
    opened_at = models.DateTimeField()
    last_frame_at = models.DateTimeField(help_text="of the client; a few seconds late while it is open")
    frames_in = models.BigIntegerField(default=0)
    frames_out = models.BigIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)
    close_code = models.PositiveIntegerField(null=True)
    close_reason = models.CharField(max_length=200, null=True)

    class Meta:
        indexes = [
            models.Index(fields=["gateway"], name="connection_open", condition=Q(closed_at=None)),
            models.Index(fields=["closed_at"], name="connection_closed"),
        ]
        ordering = ["opened_at", "id"]

    def __str__(self) -> str:
        return f"{self.username or 'guest'} from {self.address}"
