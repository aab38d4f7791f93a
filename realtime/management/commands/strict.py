"""Strict mode, on every gateway at once."""

from realtime.management.switching import SwitchCommand


class Command(SwitchCommand):
    help = (
        "Throw strict mode on every gateway at once. It requires credentials, an Origin or a bearer token, "
        "and the rate limit; whoever does not meet that is closed with 4403 within 2 s. Guests cannot read "
        "public boards while it is on, over REST either."
    )
    setting = "strict"
