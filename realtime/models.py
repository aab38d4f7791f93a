"""The tables of the event log, of gateways and their connections, and of what operators do."""

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q

from realtime import database_clock


class RoomHead(models.Model):
    """A room's counter row: whoever locks it may append, so order of seq is order of commit."""

    room = models.CharField(max_length=100, primary_key=True)
    seq = models.BigIntegerField(default=0, help_text="seq of the newest event, 0 before the first")
    trimmed = models.BigIntegerField(default=0, help_text="events up to this seq are no longer kept")
    timeline = models.CharField(
        max_length=100,
        default="",
        db_default="",
        help_text="of the database, when this was written last; empty: not known",
    )
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
        indexes = [
            # Of services' events alone, which have no actor's id: nothing looks for people's by their keys.
            models.Index(
                fields=["room", "mutation_id"],
                name="event_published_key",
                condition=Q(actor_id=None, mutation_id__isnull=False),
            )
        ]
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
    rules_seq = models.BigIntegerField(
        default=-1, db_default=-1, help_text="the operators' entry that is in force there"
    )
    memory = models.BigIntegerField(
        default=0, db_default=0, help_text="resident bytes at the last renewal; 0: not known"
    )
    environment = models.JSONField(
        default=dict, db_default={}, help_text="what its environment says of the switches and limits"
    )

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="gateway_live", condition=Q(ended_at=None))]
        ordering = ["started_at", "instance"]
        verbose_name = "gateway"

    def __str__(self) -> str:
        return self.instance


CREDENTIALS = [
    ("", "not known"),
    ("guest", "none"),
    ("token", "token"),
    ("previous", "token of the previous secret"),
    ("session", "session cookie"),
]


TRANSPORTS = [("websocket", "WebSocket"), ("socketio", "Socket.IO"), ("long-poll", "long polls")]


class ConnectionRecord(models.Model):
    """One socket, or one client that polls, open or closed. `user_id` and `username` are null for a guest.

    Times as above.
    """

    id = models.UUIDField(primary_key=True)
    gateway = models.ForeignKey(GatewayProcess, on_delete=models.CASCADE, related_name="records")
    user_id = models.CharField(max_length=100, null=True)
    username = models.CharField(max_length=150, null=True)
    address = models.CharField(max_length=100)
    agent = models.CharField(max_length=200)
    transport = models.CharField(max_length=20, choices=TRANSPORTS)
    rooms = models.JSONField(default=list, help_text="ids of the rooms that it has joined")
    opened_at = models.DateTimeField()
    last_frame_at = models.DateTimeField(help_text="of the client; a few seconds late while it is open")
    frames_in = models.BigIntegerField(default=0)
    frames_out = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0, db_default=0)
    bytes_out = models.BigIntegerField(default=0, db_default=0)
    lag = models.BigIntegerField(
        default=0, db_default=0, help_text="events not queued for it yet, in the room where that is the most"
    )
    credential = models.CharField(max_length=20, choices=CREDENTIALS, default="guest", db_default="")
    has_origin = models.BooleanField(default=False, db_default=False, help_text="whether an Origin was sent")
    address_key = models.CharField(
        max_length=33,
        default="",
        db_default="",
        help_text="the address as digits, in the order of addresses",
    )
    closed_at = models.DateTimeField(null=True)
    close_code = models.PositiveIntegerField(null=True)
    close_reason = models.CharField(max_length=200, null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["gateway"], name="connection_open", condition=Q(closed_at=None)),
            models.Index(fields=["closed_at"], name="connection_closed"),
            models.Index(fields=["opened_at"], name="connection_opened"),
            models.Index(fields=["address_key", "opened_at"], name="connection_network"),
            models.Index(fields=["username", "opened_at"], name="connection_username"),
        ]
        ordering = ["opened_at", "id"]
        permissions = [
            ("view_connections", "Can look at connections and gateways"),
            ("disconnect", "Can disconnect connections and block networks"),
        ]

    def __str__(self) -> str:
        return f"{self.username or 'guest'} from {self.address}"


class LiveConnection(ConnectionRecord):
    """The admin's page of those that are open."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "live connection"


class EndedConnection(ConnectionRecord):
    """The admin's page of those that have closed, as long as they are kept."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "ended connection"


class GatewaySample(models.Model):
    """What one gateway did in the seconds up to a moment: the points of the overview's charts."""

    gateway = models.ForeignKey(GatewayProcess, on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField()
    seconds = models.FloatField()
    connections = models.PositiveIntegerField()
    frames = models.BigIntegerField(help_text="in and out")
    errors = models.BigIntegerField()
    latencies = models.JSONField(help_text="events by the upper bound of their latency, in seconds")

    class Meta:
        indexes = [models.Index(fields=["at"], name="sample_at")]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.gateway_id} at {self.at}"


class Unalterable(models.QuerySet[Any]):
    """Rows that are written once."""

    def update(self, **values: Any) -> NoReturn:
        raise TypeError("the operators' journal is only ever added to")

    def delete(self) -> NoReturn:
        raise TypeError("the operators' journal is only ever added to")


class OperatorAction(models.Model):
    """One entry of the operators' journal: who did what, and why. `seq` counts 1, 2, 3 … in order of commit.

    Gateways follow it: whatever has to happen at once on all of them is an entry here.
    """

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=50)
    target = models.CharField(max_length=200)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = Unalterable.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["-seq"]
        verbose_name = "journal entry"
        verbose_name_plural = "operators' journal"

    def __str__(self) -> str:
        return f"{self.action} {self.target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("the operators' journal is only ever added to")


class PolicySetting(models.Model):
    """What operators have set of a switch or a limit; no row where they have set nothing."""

    name = models.CharField(max_length=50, primary_key=True)
    value = models.JSONField(null=True, help_text="null: they have taken back what they had set")
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=150)

    class Meta:
        default_permissions = ()
        permissions = [("change_policy", "Can throw switches and set limits")]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class BlockedNetwork(models.Model):
    """A network whose addresses may open no socket and ask nothing of the API."""

    network = models.CharField(max_length=50, unique=True, help_text="as in 192.0.2.0/24 or 2001:db8::/32")
    until = models.DateTimeField(null=True, blank=True, help_text="empty: until it is lifted")
    reason = models.CharField(max_length=500, blank=True)
    blocked_at = models.DateTimeField()
    blocked_by = models.CharField(max_length=150)

    class Meta:
        default_permissions = ()
        ordering = ["-blocked_at"]

    def __str__(self) -> str:
        return self.network

    @property
    def holds(self) -> bool:
        """Whether it keeps anybody out now, by the database's clock as far as it is known."""
        return self.until is None or self.until.timestamp() > database_clock.now()


class TokenFamily(models.Model):
    """The refresh tokens of one log-in, each used up by the next. `generation` says which is good now.

    Times are told by the database's clock.
    """

    id = models.UUIDField(primary_key=True)
    user_id = models.CharField(max_length=100)
    generation = models.PositiveIntegerField(default=1, help_text="of the token that is good now")
    renewed_at = models.DateTimeField(help_text="when that one was given out")
    expires_at = models.DateTimeField(help_text="when that one runs out")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="token_family_expires")]

    def __str__(self) -> str:
        return f"{self.id} of {self.user_id}"


class ServiceToken(models.Model):
    """A token with which another service publishes. The token itself is shown once and not kept."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=50, help_text="the service's, as people see it")
    room = models.CharField(max_length=100, blank=True, help_text="the only room it is good for; empty: all")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="to the minute")
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
