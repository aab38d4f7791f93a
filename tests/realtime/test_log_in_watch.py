"""The end of a log-in while a request waits: told once, whoever looks meanwhile."""

import asyncio

import pytest

from realtime.connection import Identity
from realtime.log_in_watch import LogInEnded, LogInWatch

pytestmark = pytest.mark.django_db(transaction=True)  # looked at by a thread of the gateway's own
GONE = Identity("0b9c1c1e-0000-4000-8000-000000000001", "Gone", "gone")


def test_a_request_that_takes_its_time_to_end_keeps_no_other_from_its_end() -> None:
    async def scenario() -> None:
        watch = LogInWatch({})
        tidied = asyncio.Event()

        async def request() -> None:
            async with watch.request_of(GONE):
                try:
                    await asyncio.Event().wait()
                finally:
                    await tidied.wait()

        first = asyncio.create_task(request())
        await asyncio.sleep(0)
        await watch.check()
        second = asyncio.create_task(request())
        await asyncio.sleep(0)
        try:
            await watch.check()  # while the first still tidies up
        finally:
            tidied.set()
        for task in (first, second):
            with pytest.raises(LogInEnded):
                await task

    asyncio.run(scenario())
