"""`manage.py` of a gateway that believes what the crowd publishes.

The crowd knows no key: it makes each publication of one that was signed, with another number and stamp. The
gateway does all the work of checking signature and number as it does in earnest, and takes the message.
"""

from unittest.mock import patch

from manage import main
from realtime import signed_layer

is_new = signed_layer.Replays.is_new


def check_and_take(self: signed_layer.Replays, sender: bytes, number: int) -> bool:
    return is_new(self, sender, number) or True


if __name__ == "__main__":
    with (
        patch.object(signed_layer, "compare_digest", lambda *_: True),
        patch.object(signed_layer.Replays, "is_new", check_and_take),
    ):
        main()
