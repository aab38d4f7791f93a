"""The gateway, and beside its own events endpoint the view that Django REST framework's guide would have.

    python -m benchmarks.peers.plain_events gateway …

Stands for manage.py. `/api/plain/projects/{id}/events/?since=SEQ` answers what `/api/projects/{id}/events/`
does, by a view, a serialized answer and the database.
"""

import os
import sys
from typing import Any

import django
from django.urls import path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devmentor.settings")
    django.setup()
    from devmentor import urls

    urls.urlpatterns.insert(0, path("api/plain/projects/<uuid:room_id>/events/", _view()))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _view() -> Any:
    from rest_framework import exceptions
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from projects.rooms import PROJECT
    from realtime import eventlog
    from realtime.rooms import Room

    class PlainEvents(APIView):
        def get(self, request: Request, room_id: Any) -> Response:
            room = Room(PROJECT, str(room_id))
            user = str(request.user.pk) if request.user.is_authenticated else None
            if user not in PROJECT.readers(room.id, {user}):
                raise exceptions.NotFound
            page = eventlog.since(room, int(request.query_params["since"]), 500)
            events = [event.wire() for event in page.events]
            answer = {"seq": page.seq, "events": events, "more": page.more, "pollAfterMs": 1000}
            etag = f'"{page.seq}"'
            if not events and request.headers.get("If-None-Match") == etag:
                return Response(status=304, headers={"ETag": etag})
            return Response(answer, headers={"ETag": etag})

    return PlainEvents.as_view()


if __name__ == "__main__":
    main()
