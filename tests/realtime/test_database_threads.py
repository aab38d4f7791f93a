"""The gateway's own threads for the database: they live as long as the process, and so must hold nothing."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from realtime.database import aside


@pytest.mark.django_db(transaction=True)
def test_with_debug_on_no_query_is_kept_for_the_next(settings: Any) -> None:
    """Django forgets them at each request, and here is none: up to 9000 stayed for each thread."""
    settings.DEBUG = True

    def ask() -> int:
        get_user_model().objects.exists()
        return len(connection.queries_log)

    async def ask_often() -> list[int]:
        return [await aside(ask) for _ in range(3)]

    first, *others = asyncio.run(ask_often())
    assert first > 0
    assert max(others) <= first
