"""A network is blocked while the credentials of a handshake from there are looked up."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.sockets import Socket
from tests.support.stack import Stack

ADDRESS = "203.0.113.7"
LOCKS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.mark.settings(TRUSTED_PROXIES="127.0.0.0/8,::1")
@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_a_socket_whose_network_was_blocked_meanwhile_is_not_let_in(own_stack: Stack) -> None:
    token, forwarded = own_stack.token(OWNER), {"X-Forwarded-For": ADDRESS}
    database = own_stack.settings["DATABASE_URL"]
    with (
        psycopg.connect(database) as holder,
        psycopg.connect(database, autocommit=True) as other,
        ThreadPoolExecutor() as threads,
    ):
        holder.execute("LOCK TABLE realtime_tokenfamily IN ACCESS EXCLUSIVE MODE")
        arriving = threads.submit(Socket, own_stack.first.ws_url, token=token, headers=forwarded)
        eventually(lambda: other.execute(LOCKS).fetchone() != (0,), what="the look-up to wait")
        assert own_stack.console("block", ADDRESS).status == 0
        holder.rollback()
        with arriving.result(20) as socket:
            assert socket.wait_closed() == 4403
