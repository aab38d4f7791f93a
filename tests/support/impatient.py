"""`manage.py` whose Socket.IO clients have little time: for tests of what happens when it is over.

python -m tests.support.impatient gateway --port …
"""

import sys

from django.core.management import execute_from_command_line

CONNECT_SECONDS = 2.0
PING_SECONDS = 0.5
PING_TIMEOUT_SECONDS = 1.5


def main() -> None:
    import django

    django.setup()
    from realtime import socketio_peer, socketio_transport
    from realtime.engineio import Heartbeat

    socketio_peer.CONNECT_SECONDS = CONNECT_SECONDS
    socketio_transport.HEARTBEAT = Heartbeat(PING_SECONDS, PING_TIMEOUT_SECONDS)
    execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
