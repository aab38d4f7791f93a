"""The system's bound on a process's open files, of which each connection is one."""

import logging
import resource

from django.conf import settings

from realtime.plain_connections import WAITING

logger = logging.getLogger(__name__)

TOO_FEW = (
    "MAX_CONNECTIONS, MAX_HELD_POLLS and MAX_PLAIN_CONNECTIONS may take %d open files, of which there are "
    "%d: raise the hard limit (ulimit -Hn, LimitNOFILE) or lower the settings"
)
OTHERS = 200  # listeners, connections to the stores, files of the program and of its logs


def raise_limit() -> None:
    """Raise the soft limit, often 1024, to the hard one; warn where the settings ask for more than that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # a system that has a lower bound of its own
            hard = soft
    if hard not in (resource.RLIM_INFINITY, -1) and hard < (wanted := needed()):
        logger.warning(TOO_FEW, wanted, hard)


def needed() -> int:
    """Open files of a process whose places are all taken."""
    connections = settings.MAX_CONNECTIONS + settings.MAX_HELD_POLLS + settings.MAX_PLAIN_CONNECTIONS
    return connections + WAITING + OTHERS
