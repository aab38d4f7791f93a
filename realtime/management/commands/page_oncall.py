"""Page whoever is on call."""

import json
import socket
from argparse import ArgumentParser
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings
from django.core.management.base import CommandError

from realtime.management.output import PrintingCommand

SECONDS = 10
MOST_SUMMARY = 1024  # of PagerDuty's Events API v2: https://developer.pagerduty.com/docs/send-alert-event


class NoRedirect(HTTPRedirectHandler):
    """A POST that is sent elsewhere becomes a GET, whose answer says nothing of a page."""

    def redirect_request(self, *args: Any) -> None:
        """None: the redirect is the answer, and no success."""


class Command(PrintingCommand):
    help = "Page whoever is on call through ONCALL_WEBHOOK_URL, in the shape of PagerDuty's Events API v2."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text", help="what has happened, in a sentence")
        parser.add_argument(
            "--severity", choices=["critical", "error", "warning", "info"], default="critical"
        )

    def handle(self, *args: Any, text: str, severity: str, **options: Any) -> None:
        if not settings.ONCALL_WEBHOOK_URL:
            raise CommandError("nobody was paged: ONCALL_WEBHOOK_URL is not set")
        summary = " ".join(text.split())
        if not summary:
            raise CommandError("nobody was paged: expected a text that says what has happened")
        self._post(event(summary, severity))
        self.stdout.write(f"Paged: {summary}")

    def _post(self, body: dict[str, Any]) -> None:
        """Tell the webhook. Raises CommandError; an address may hold a key, so only its host is named."""
        request = Request(  # noqa: S310  the settings take http and https only
            settings.ONCALL_WEBHOOK_URL,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "User-Agent": "devmentor"},
        )
        host = urlsplit(settings.ONCALL_WEBHOOK_URL).hostname
        try:
            with build_opener(NoRedirect).open(request, timeout=SECONDS):
                return
        except HTTPError as refused:
            said = refused.read(500).decode(errors="replace").strip()
            raise CommandError(f"nobody was paged: {host} answered {refused.code} {said}".rstrip()) from None
        except (OSError, HTTPException) as failure:
            why = getattr(failure, "reason", failure)
            raise CommandError(f"nobody was paged: {host} does not answer: {why}") from None


def event(summary: str, severity: str) -> dict[str, Any]:
    """A trigger event. Whoever pages twice with the same text adds to one incident."""
    return {
        "routing_key": settings.ONCALL_ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": f"devmentor: {summary}"[:255],
        "client": "DevMentor",
        "payload": {
            "summary": summary[:MOST_SUMMARY],
            "source": socket.gethostname(),
            "severity": severity,
            "component": "websocket-gateway",
        },
    }
