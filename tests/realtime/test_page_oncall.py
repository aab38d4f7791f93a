"""Paging: the one command that must work when nothing else does, and must not seem to when it does not."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.support.processes import free_port


class Pager:
    """What stands for PagerDuty: keeps what it is told, and answers with `status`."""

    def __init__(self) -> None:
        pager = self
        self.status = 202
        self.told: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                pager.told.append(json.loads(self.rfile.read(length)))
                self.send_response(pager.status)
                if pager.status == 302:
                    self.send_header("Location", "/")
                self.end_headers()
                self.wfile.write(b'{"status":"told"}')

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Nothing beside the tests' own output."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v2/enqueue"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def pager(settings: Any) -> Iterator[Pager]:
    found = Pager()
    settings.ONCALL_WEBHOOK_URL, settings.ONCALL_ROUTING_KEY = found.url, "the-key"
    yield found
    found.stop()


def test_a_page_has_the_shape_of_pagerdutys_events(pager: Pager, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("page_oncall", "WebSocket  service\ndown")
    assert capsys.readouterr().out == "Paged: WebSocket service down\n"
    event = pager.told[0]
    assert (event["routing_key"], event["event_action"]) == ("the-key", "trigger")
    assert event["payload"]["summary"] == "WebSocket service down"
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["source"]


def test_the_same_text_adds_to_one_incident(pager: Pager) -> None:
    call_command("page_oncall", "down")
    call_command("page_oncall", "down", "--severity", "warning")
    call_command("page_oncall", "something else")
    keys = [event["dedup_key"] for event in pager.told]
    assert keys[0] == keys[1] != keys[2]


def test_where_nothing_is_configured_it_says_so_plainly(settings: Any) -> None:
    settings.ONCALL_WEBHOOK_URL = ""
    with pytest.raises(CommandError, match="nobody was paged: ONCALL_WEBHOOK_URL is not set"):
        call_command("page_oncall", "down")


def test_a_webhook_that_refuses_or_is_not_there_is_no_success(pager: Pager, settings: Any) -> None:
    pager.status = 400
    with pytest.raises(CommandError, match=r"nobody was paged: 127\.0\.0\.1 answered 400"):
        call_command("page_oncall", "down")
    pager.status = 302  # to a page that answers 200 to everybody
    with pytest.raises(CommandError, match="answered 302"):
        call_command("page_oncall", "down")
    settings.ONCALL_WEBHOOK_URL = f"http://user:secret@127.0.0.1:{free_port()}/"
    with pytest.raises(CommandError, match="does not answer") as caught:
        call_command("page_oncall", "down")
    assert "secret" not in str(caught.value)


def test_an_empty_text_pages_nobody(pager: Pager) -> None:
    with pytest.raises(CommandError, match="expected a text"):
        call_command("page_oncall", "  ")
    assert not pager.told
