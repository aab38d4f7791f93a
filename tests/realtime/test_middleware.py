"""What stands around every view is believed only as far as it can be."""

import pytest
import structlog
from django.test import RequestFactory, override_settings

from realtime.middleware import RequestLogMiddleware
from realtime.networks import read_network


@pytest.mark.parametrize("proxies,address", [([], "127.0.0.1"), (["127.0.0.0/8"], "192.0.2.7")])
def test_the_log_names_the_address_that_can_be_believed(proxies, address):
    """A client writes what it likes into X-Forwarded-For; a proxy of ours adds at the right."""
    request = RequestFactory().get("/", headers={"x-forwarded-for": "10.9.9.9, 192.0.2.7"})
    with (
        override_settings(TRUSTED_PROXIES=[read_network(proxy) for proxy in proxies]),
        structlog.contextvars.bound_contextvars(),
    ):
        RequestLogMiddleware.bind_ip(request)
        assert structlog.contextvars.get_contextvars()["ip"] == address
        structlog.contextvars.clear_contextvars()
