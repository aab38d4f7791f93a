"""What the gateway tells Prometheus. No label holds an id, an address or free text from a client."""

import resource
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from realtime.protocol import CloseCode

GATEWAYS_OWN = set(CloseCode) - {CloseCode.GOING_AWAY}  # which a browser says, too, as its page is left
STATM = Path("/proc/self/statm")
LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

CONNECTIONS = Gauge("websocket_connections", "Open sockets of this process", multiprocess_mode="livesum")
MESSAGES = Counter("websocket_messages_total", "Frames, by direction and event", ["direction", "event"])
ERRORS = Counter("websocket_errors_total", "Error frames sent and failures met, by code", ["code"])
LATENCY = Histogram(
    "websocket_latency_seconds",
    "From the commit of a change (of one read from the log: from its append) to its hand-over to the "
    "sockets of this process; of another machine's change by the clocks of both: one that is wrong, see "
    "gateway_clock_offset_seconds, adds as much or hides the latency",
    buckets=LATENCY_BOUNDS,
)
CLOSES = Counter("websocket_closes_total", "Closed sockets, by close code", ["code"])
ROOMS = Gauge(
    "websocket_rooms", "Rooms with members or waiting pollers in this process", multiprocess_mode="livesum"
)
POLLERS = Gauge("polling_waiting_requests", "Long polls that this process holds", multiprocess_mode="livesum")
POLLS_NOT_HELD = Counter(
    "polling_not_held_total", "Polls that asked to be held and were answered at once, by reason", ["reason"]
)
LIMIT_REFUSALS = Counter(
    "gateway_limit_refusals_total",
    "Connections, handshakes and calls that were refused, by the limit that was reached",
    ["limit"],
)
QUEUED = Gauge(
    "websocket_send_queue_frames",
    "Frames that wait in the send queues of this process",
    multiprocess_mode="livesum",
)
RESUMES = Counter("websocket_resumes_total", "Joins with `since`, by outcome", ["outcome"])
GAP_FILLS = Counter("websocket_gap_fills_total", "Holes filled from the log after a lost or late bell")
ROOMS_GIVEN_UP = Counter(
    "websocket_rooms_given_up_total",
    "Rooms whose log does not go on from where this process was: their clients load them again",
)
LOG_READS = Counter("websocket_log_reads_total", "Reads of the log on behalf of members and pollers")
SLOW_CONSUMERS = Counter("websocket_slow_consumers_total", "Sockets closed because they read too slowly")
RATE_LIMITED = Counter("websocket_rate_limited_total", "Frames refused by the rate limit")
AUTH_FAILURES = Counter(
    "websocket_auth_failures_total", "Credentials that did not hold, by reason", ["reason"]
)
LOG_INS = Counter("log_in_attempts_total", "Log-ins tried, by door and outcome", ["door", "outcome"])
PASSWORD_REQUESTS = Gauge(
    "password_requests_waiting",
    "Requests of this process that hash a password, or wait to",
    multiprocess_mode="livesum",
)
BELL_FAILURES = Counter(
    "websocket_bell_failures_total", "Messages that the channel layer did not take", ["operation"]
)
BELL_DROPPED = Counter(
    "websocket_bell_dropped_total",
    "Messages that were not published: too old, too many, or no layer",
    ["reason"],
)
BELL_IGNORED = Counter(
    "websocket_bell_ignored_total",
    "Messages that no process of this installation has sent, or of a kind that only another version knows",
)
BELL_HEALTHY = Gauge(
    "websocket_bell_healthy",
    "1 while this process hears what others publish, 0 while not",
    multiprocess_mode="livemin",
)
CANARY_AGE = Gauge(
    "websocket_canary_age_seconds",
    "Since this process last heard itself by way of the channel layer; 0 where the layer is its own",
    multiprocess_mode="livemax",
)
LEASES_EXPIRED = Counter(
    "gateway_leases_expired_total", "Leases of dead gateways that this process has ended"
)
AUDIT_DROPPED = Counter("gateway_audit_dropped_total", "Connections that left no record, or half of one")
DATABASE_FAILURES = Counter(
    "gateway_database_failures_total",
    "Reads and writes of the gateway that the database did not answer, and connections of its own that broke",
)
CLOCK_OFFSET = Gauge(
    "gateway_clock_offset_seconds",
    "How far the clock of this machine is ahead of the database's; below 0: behind it",
    multiprocess_mode="livemax",
)
GATEWAY = Gauge(
    "gateway_info", "1 for each gateway process", ["instance", "version"], multiprocess_mode="livemax"
)

OWN_EVENTS = frozenset(
    [
        "hello",
        "ack",
        "error",
        "heartbeat",
        "auth",
        "status",
        "ping",
        "presence:update",
        "presence:updated",
        "presence:joined",
        "presence:left",
        "system:banner",
        "system:polling",
        "system:draining",
    ]
)
_known: set[str] = set(OWN_EVENTS)


def know_events(names: Iterable[str]) -> None:
    """Names that may be labels; any other is counted as "other"."""
    _known.update(names)


def count_out(event: str, frames: int = 1) -> None:
    MESSAGES.labels("out", event if event in _known else "other").inc(frames)


def count_close(code: int, by_client: bool = False) -> None:
    """Codes of the protocol and ours are labels; a client may choose among thousands of others.

    One that says what a gateway closes for is a label only where a gateway has closed with it.
    """
    known = 1000 <= code <= 1015 or code in set(CloseCode)
    if by_client:
        known = 1000 <= code <= 1011 and code not in GATEWAYS_OWN
    CLOSES.labels(str(code) if known else "other").inc()


def count_in(event: str) -> None:
    MESSAGES.labels("in", event if event in _known else "other").inc()


def resident_bytes() -> int:
    """The memory that this process holds, by proc(5); 0 where the system does not tell.

    Prometheus's own collector lists every open socket for it.
    """
    try:
        return int(STATM.read_bytes().split()[1]) * resource.getpagesize()
    except OSError:
        return 0
