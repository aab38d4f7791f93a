"""`manage.py` whose gateway forgets no client: what `memtest` has to notice.

python -m tests.realtime.leaking gateway --port …
"""

import os
import sys

import django
from django.core.management import execute_from_command_line

EACH = 64 * 1024  # bytes; a connection with its queue and tasks is about as much
kept: list[bytes] = []


def leak() -> None:
    from realtime.gateway import Gateway

    remove = Gateway.remove

    def remove_and_keep(self: Gateway, connection: object) -> None:
        kept.append(os.urandom(EACH))
        remove(self, connection)  # type: ignore[arg-type]

    Gateway.remove = remove_and_keep  # type: ignore[method-assign]


if __name__ == "__main__":
    django.setup()
    leak()
    execute_from_command_line(["manage.py", *sys.argv[1:]])
