"""Serve the web UI, the REST API, the admin and the sockets from one process."""

import errno
import socket
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string


def port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r}: expected a whole number from 0 to 65535")
    return int(text)


class Command(BaseCommand):
    help = "Serve everything on --port (the WebSocket gateway's), and the same again on --web-port."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", help="address to listen on; default: this machine's own with DEBUG on, else all"
        )
        parser.add_argument("--port", type=port_number, default=settings.PORT)
        parser.add_argument(
            "--web-port", type=port_number, default=settings.WEB_PORT, help="0: no second listener"
        )
        parser.add_argument(
            "--server", choices=["uvicorn", "daphne"], default="uvicorn", help="daphne does not drain"
        )

    def handle(
        self, *args: Any, host: str | None, port: int, web_port: int, server: str, **options: Any
    ) -> None:
        self.check()  # warnings are shown, errors stop the start
        settings.PORT = port  # what clients are told follows what is served
        hosts = [host] if host else (["127.0.0.1", "::1"] if settings.DEBUG else ["::"])
        listeners = [bound for each in dict.fromkeys([port, web_port]) for bound in self._listen(hosts, each)]
        application = import_string(settings.ASGI_APPLICATION)
        if server == "daphne":
            self._serve_with_daphne(application, listeners)
        else:
            self._serve_with_uvicorn(application, listeners)

    def _listen(self, hosts: list[str], port: int) -> list[socket.socket]:
        """Listeners on every host that this machine has; port 0 of the web listener means none."""
        from realtime.server import listen

        found = []
        for host in hosts if port else ():
            try:
                found.append(listen(host, port))
            except OSError as failure:
                absent = failure.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
                if absent and ":" in host:
                    if host == "::":
                        found += self._listen(["0.0.0.0"], port)  # noqa: S104  what :: means without IPv6
                    continue
                raise CommandError(f"cannot listen on {host} port {port}: {failure.strerror}") from None
        return found

    def _serve_with_uvicorn(self, application: Any, listeners: list[socket.socket]) -> None:
        from realtime.server import serve

        serve(
            application,
            listeners,
            settings.DRAIN_WINDOW / 1000,
            lambda: self._announce(self._ports(listeners)),
        )

    def _serve_with_daphne(self, application: Any, listeners: list[socket.socket]) -> None:
        from daphne.server import Server

        ports = self._ports(listeners)  # read now: daphne takes the listeners' descriptors over
        endpoints = [f"fd:fileno={listener.fileno()}" for listener in listeners]
        Server(
            application,
            endpoints=endpoints,
            signal_handlers=True,
            ready_callable=lambda: self._announce(ports),
            server_name="",
        ).run()

    def _ports(self, listeners: list[socket.socket]) -> list[int]:
        return list(dict.fromkeys(listener.getsockname()[1] for listener in listeners))

    def _announce(self, ports: list[int]) -> None:
        self.stdout.write(f"Serving on port {' and '.join(map(str, ports))}.")
        self.stdout.flush()
