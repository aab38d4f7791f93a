"""What operators type into a search box: networks, days, ids and names, each looked up by an index.

A close code and `guest` have none of their own: with nothing beside them the whole history is read.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from realtime.models import GatewayProcess
from realtime.networks import key_range, read_network

MOST_GATEWAYS = 100
CODE_DIGITS = 4

HELP = (
    "Words that must all hold: a user's name, an address or a network (192.0.2.0/24), a day (2026-11-24: "
    "whoever was connected on it, in UTC), a connection's id, a close code (4403), a gateway or how its name "
    "begins, guest."
)


def matching(records: "QuerySet[Any]", text: str) -> "QuerySet[Any]":
    """Those of the records for which each word of the text holds."""
    for word in text.split():
        records = records.filter(condition(word))
    return records


def condition(word: str) -> Q:
    """What a word says of a connection."""
    for read in (_day, _network, _id, _code):
        found = read(word)
        if found is not None:
            return found
    # Their names beforehand: what is looked up by an index is one list, and not another query.
    gateways = GatewayProcess.objects.filter(instance__startswith=word).order_by("-expires_at")
    named = Q(username=word) | Q(gateway__in=[found.pk for found in gateways[:MOST_GATEWAYS]])
    return named | Q(user_id=None) if word == "guest" else named


def _day(word: str) -> Q | None:
    """Open at any moment of that day."""
    try:
        begin = datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=UTC)
        end = begin + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return Q(opened_at__lt=end) & (Q(closed_at=None) | Q(closed_at__gte=begin))


def _network(word: str) -> Q | None:
    if "." not in word and ":" not in word:
        return None  # a bare number would pass for an address
    try:
        return Q(address_key__range=key_range(read_network(word)))
    except ValueError:
        return None


def _code(word: str) -> Q | None:
    """A close code; a user may be named so, too."""
    if not (len(word) == CODE_DIGITS and word.isascii() and word.isdigit()):
        return None
    return Q(close_code=int(word)) | Q(username=word)


def _id(word: str) -> Q | None:
    try:
        return Q(pk=UUID(word))
    except ValueError:
        return None
