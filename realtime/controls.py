"""Orders to live sockets, given from anywhere, carried out by the gateways that hold them."""

from functools import partial

from django.db import transaction

from realtime import broadcast


def user_changed(user_id: str) -> None:
    """A user was disabled, or their password or rights changed: check their sockets anew, after commit."""
    transaction.on_commit(
        partial(broadcast.order, {"order": "user-changed", "user": str(user_id)}), robust=True
    )
