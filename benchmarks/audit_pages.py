"""How long the control room takes with 10,000 live and 1,000,000 ended connections.

    .venv/bin/python -m benchmarks.audit_pages [--live N] [--ended N]

Fills a PostgreSQL of its own, which it starts and stops, and asks each page several times in this process:
what is timed is Django's work and the database's. Times in milliseconds, with the number of queries.
"""

import argparse
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.environment import environment
from tests.support.postgres import Postgres

TIMES = 9
GATEWAYS = 10

PAGES = {
    "overview": "/admin/",
    "live connections": "/admin/realtime/liveconnection/",
    "live, of one user": "/admin/realtime/liveconnection/?q=user-77",
    "live, by lag": "/admin/realtime/liveconnection/?o=-10",
    "ended connections": "/admin/realtime/endedconnection/",
    "ended, a network on a day": "/admin/realtime/endedconnection/?q=10.0.7.0/24+{weeks_ago}",
    "ended, of one user": "/admin/realtime/endedconnection/?q=user-77",
    "ended, nobody of that name": "/admin/realtime/endedconnection/?q=nobody",
    "ended, a day weeks ago": "/admin/realtime/endedconnection/?q={weeks_ago}",
    "ended, a user on that day": "/admin/realtime/endedconnection/?q=user-77+{weeks_ago}",
    "ended, by address": "/admin/realtime/endedconnection/?o=1",
    "ended, by transport, none": "/admin/realtime/endedconnection/?transport=polling",
    "ended, word 4429, none": "/admin/realtime/endedconnection/?q=4429",
    "ended, guests, none": "/admin/realtime/endedconnection/?q=guest",
    "ended, by code 4429, none": "/admin/realtime/endedconnection/?ended=4429",
    "ended, the 100th page": "/admin/realtime/endedconnection/?p=100",
    "ended, by code 4413": "/admin/realtime/endedconnection/?ended=4413",
    "gateways": "/admin/realtime/gatewayprocess/",
    "switches and limits": "/admin/policy/",
}

FILL = """
INSERT INTO realtime_connectionrecord (id, gateway_id, user_id, username, address, agent, transport, rooms,
    opened_at, last_frame_at, frames_in, frames_out, bytes_in, bytes_out, lag, credential, has_origin,
    address_key, closed_at, close_code, close_reason)
SELECT gen_random_uuid(), 'gateway-' || n %% %(gateways)s, 'id-' || n %% 5000, 'user-' || n %% 5000,
    '10.0.' || n %% 250 || '.' || n %% 199, 'Mozilla/5.0', 'websocket', '[]',
    now() - n * interval '2.5 seconds', now() - n * interval '2.5 seconds', n %% 100, n %% 1000, 0, 0, n %% 7,
    'token', true,
    '40a00' || lpad(to_hex(n %% 250), 2, '0') || lpad(to_hex(n %% 199), 2, '0'),
    CASE WHEN %(closed)s THEN now() - n * interval '2.5 seconds' + interval '1 minute' END,
    CASE WHEN %(closed)s THEN (ARRAY[1000, 1006, 1012, 4408, 4413])[1 + n %% 5] END,
    CASE WHEN %(closed)s THEN 'the client left' END
FROM generate_series(1, %(count)s) AS n
"""

# A day of what each gateway writes every ten seconds.
SAMPLE = """
INSERT INTO realtime_gatewaysample (gateway_id, at, seconds, connections, frames, errors, latencies)
SELECT 'gateway-' || g, now() - n * interval '10 seconds', 10, 1000, 5000 + n %% 700, n %% 3,
    '{"0.001": 700, "0.005": 300, "0.1": 9}'
FROM generate_series(0, %(gateways)s - 1) AS g, generate_series(1, 8640) AS n
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--live", type=int, default=10_000)
    parser.add_argument("--ended", type=int, default=1_000_000)
    given = parser.parse_args()
    server = Postgres()
    try:
        os.environ.update(environment({"DATABASE_URL": server.create("audit"), "DEBUG": "false"}))
        measure(given.live, given.ended)
    finally:
        server.stop()


def measure(live: int, ended: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    fill(live, ended)
    client = operator()
    show = sys.stdout.write
    show(f"{live:,} live and {ended:,} ended connections, PostgreSQL; median of {TIMES}, ms\n")
    weeks_ago = datetime.now(UTC).date() - timedelta(weeks=3)
    for name, address in PAGES.items():
        times, queries = ask(client, address.format(weeks_ago=weeks_ago))
        show(f"{name:28} {statistics.median(times):8.1f}   {queries:3} queries\n")


def fill(live: int, ended: int) -> None:
    from django.db import connection
    from django.db.models.functions import Now

    from realtime.models import GatewayProcess

    for number in range(GATEWAYS):
        GatewayProcess.objects.create(
            instance=f"gateway-{number}",
            version="1",
            host="here",
            pid=number,
            started_at=Now(),
            renewed_at=Now(),
            expires_at=Now() + timedelta(days=1),
        )
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"gateways": GATEWAYS, "closed": False, "count": live})
        cursor.execute(FILL, {"gateways": GATEWAYS, "closed": True, "count": ended})
        cursor.execute(SAMPLE, {"gateways": GATEWAYS})
        cursor.execute("ANALYZE")


def operator() -> Any:
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.create_superuser("oprah"))
    return client


def ask(client: Any, address: str) -> tuple[list[float], int]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    times = []
    for _ in range(TIMES):
        with CaptureQueriesContext(connection) as queries:
            began = time.perf_counter()
            answer = client.get(address)
            times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (address, answer.status_code)
    return times, len(queries)


if __name__ == "__main__":
    main()
