"""What stands around every view goes by the address that is known of a request."""

import structlog
from django.test import RequestFactory

from realtime.middleware import RequestLogMiddleware


def test_the_log_names_the_address_and_not_what_stands_in_a_header() -> None:
    request = RequestFactory().get("/", headers={"x-real-ip": "192.0.2.7"}, REMOTE_ADDR="203.0.113.9")
    with structlog.contextvars.bound_contextvars():
        RequestLogMiddleware.bind_ip(request)
        assert structlog.contextvars.get_contextvars()["ip"] == "203.0.113.9"
        structlog.contextvars.clear_contextvars()
