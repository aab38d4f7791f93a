"""Addresses for operators alone: where ADMIN_NETWORKS and METRICS_NETWORKS are set, others are kept out."""

import httpx
import pytest

from tests.support.stack import Stack

ELSEWHERE = {"ADMIN_NETWORKS": "192.0.2.0/24", "METRICS_NETWORKS": "192.0.2.0/24,2001:db8::/32"}
INSIDE, OUTSIDE = "192.0.2.7", "198.51.100.7"
ADMIN = ("/admin/", "/admin", "/admin/login/", "/%61dmin/", "//admin/", "/admin/nothing/")


@pytest.mark.settings(**ELSEWHERE, TRUSTED_PROXIES="127.0.0.0/8,::1")
def test_who_is_elsewhere_opens_neither_the_admin_nor_the_metrics(own_stack: Stack) -> None:
    def get(path: str, address: str) -> httpx.Response:
        return httpx.get(own_stack.first.http_url + path, headers={"X-Forwarded-For": address}, timeout=20)

    for path in (*ADMIN, "/metrics", "/metrics/"):
        for address in (OUTSIDE, f"{INSIDE}, {OUTSIDE}"):  # what a client itself writes does not count
            assert get(path, address).status_code in (403, 404), (path, address)
    assert get("/admin/", INSIDE).status_code == 302
    assert "websocket_connections" in get("/metrics", INSIDE).text
    assert "websocket_connections" in get("/metrics", "2001:db8::7").text
    refused = get("/admin/", OUTSIDE)
    assert refused.status_code == 403
    assert "operators' networks" in refused.text

    assert get("/ready", OUTSIDE).json() == {"status": "ready"}
    assert get("/ready", INSIDE).json()["checks"]["database"] == "ok"
    for path in ("/health", "/login", "/api/realtime/"):
        assert get(path, OUTSIDE).status_code == 200, path


@pytest.mark.settings(ADMIN_NETWORKS="127.0.0.0/8,::1", METRICS_NETWORKS="127.0.0.0/8,::1")
def test_without_a_proxy_the_peers_own_address_counts(own_stack: Stack) -> None:
    for path in ("/admin/login/", "/metrics"):
        answer = httpx.get(own_stack.first.http_url + path, headers={"X-Forwarded-For": OUTSIDE}, timeout=20)
        assert answer.status_code == 200, path
