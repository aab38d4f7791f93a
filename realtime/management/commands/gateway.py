"""Serve the web UI, the REST API, the admin and the sockets, from one process or from several alike."""

import errno
import logging
import os
import socket
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from realtime import open_files
from realtime.management.output import PrintingCommand

logger = logging.getLogger(__name__)

MOST_WORKERS = 64


def port_number(text: str, least: int = 1) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r}: expected a whole number from {least} to 65535")
    return int(text)


def port_or_none(text: str) -> int:
    return port_number(text, least=0)


def worker_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_WORKERS):
        raise ArgumentTypeError(f"{text!r}: expected a whole number from 1 to {MOST_WORKERS}")
    return int(text)


class Command(PrintingCommand):
    help = "Serve everything on --port (the WebSocket gateway's), and the same again on --web-port."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", help="address to listen on; default: this machine's own with DEBUG on, else all"
        )
        parser.add_argument("--port", type=port_number, default=settings.PORT)
        parser.add_argument(
            "--web-port", type=port_or_none, default=settings.WEB_PORT, help="0: no second listener"
        )
        parser.add_argument(
            "--server",
            choices=["uvicorn", "daphne"],
            default="uvicorn",
            help="daphne neither drains nor bounds what comes slowly",
        )
        parser.add_argument(
            "--workers",
            type=worker_count,
            default=1,
            help="processes, each a gateway of its own on the same ports; more than one need REDIS_URL",
        )
        parser.add_argument(
            "--fd",
            type=int,
            action="append",
            help="serve on this inherited, listening socket",
        )
        parser.add_argument("--ready-fd", type=int, help=SUPPRESS)
        parser.add_argument("--alive-fd", type=int, help=SUPPRESS)

    def handle(self, *args: Any, port: int, server: str, workers: int, **options: Any) -> None:
        if options["alive_fd"] is not None:
            from realtime.workers import end_with_supervisor

            end_with_supervisor(options["alive_fd"])
        self.check()  # warnings are shown, errors stop the start
        open_files.raise_limit()
        if workers > 1:
            self._serve_with_workers(workers, port=port, server=server, **options)
            return
        inherited = [self._inherited(descriptor) for descriptor in options["fd"] or ()]
        listeners = inherited or self._listeners(port, options["web_port"], options["host"])
        settings.SERVED_PORT = next((p for p in self._ports(listeners) if isinstance(p, int)), 0)
        application = import_string(settings.ASGI_APPLICATION)
        if server == "daphne":
            self._serve_with_daphne(application, listeners)
        else:
            self._serve_with_uvicorn(application, listeners, self._announcing(options["ready_fd"], listeners))

    def _inherited(self, descriptor: int) -> socket.socket:
        try:
            return socket.socket(fileno=descriptor)
        except (OSError, ValueError):
            raise CommandError(f"--fd {descriptor}: expected a socket that this process was given") from None

    def _listeners(self, port: int, web_port: int, host: str | None) -> list[socket.socket]:
        hosts = [host] if host else (["127.0.0.1", "::1"] if settings.DEBUG else ["::"])
        ports = dict.fromkeys([port, web_port])
        return [bound for each in ports for bound in self._listen(hosts, each)]

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
                        found += self._listen(["0.0.0.0"], port)  # noqa: S104  :: without IPv6
                    continue
                raise CommandError(f"cannot listen on {host} port {port}: {failure.strerror}") from None
        return found

    def _serve_with_workers(
        self, workers: int, *, port: int, web_port: int, host: str | None, server: str, **options: Any
    ) -> None:
        from realtime.server import listen
        from realtime.workers import Supervisor

        if not settings.REDIS_URLS:
            raise CommandError("--workers needs REDIS_URL: without it no worker hears what another publishes")
        if server == "daphne" or options["fd"]:
            raise CommandError("--workers goes with neither --server daphne nor --fd")
        # Shared ports would be shared with a gateway that runs already, too: one that is not ends here.
        with ExitStack() as alone:
            listeners = [alone.enter_context(each) for each in self._listeners(port, web_port, host)]
            served = " and ".join(map(str, self._ports(listeners)))
            addresses: list[tuple[str, int]] = [listener.getsockname()[:2] for listener in listeners]
        command = [sys.argv[0], "gateway", f"--port={port}", f"--web-port={web_port}"]
        supervisor = Supervisor(
            command,
            workers,
            listen=lambda: [listen(address, number, shared=True) for address, number in addresses],
            started=lambda: self._say(f"Serving on port {served} with {workers} workers."),
            tell=logger.warning,  # which never waits for a reader
        )
        if status := supervisor.run():
            sys.exit(status)

    def _serve_with_uvicorn(
        self, application: Any, listeners: list[socket.socket], started: Callable[[], None]
    ) -> None:
        from realtime.server import serve

        serve(application, listeners, settings.DRAIN_WINDOW / 1000, started)

    def _serve_with_daphne(self, application: Any, listeners: list[socket.socket]) -> None:
        from daphne.server import Server
        from twisted.internet import reactor

        if any(listener.family not in (socket.AF_INET, socket.AF_INET6) for listener in listeners):
            raise CommandError("--server daphne serves TCP sockets alone: expected such a one as --fd")
        ports = self._ports(listeners)

        def start() -> None:
            # Daphne's own endpoint for them takes each for one of IPv4, and misreads IPv6 addresses.
            for listener in listeners:
                reactor.adoptStreamPort(listener.fileno(), listener.family, server.http_factory)
                listener.close()
            self._say(_serving(ports))

        server = Server(application, endpoints=listeners, ready_callable=start, server_name="")
        server.endpoints = []  # none that it has to open
        server.run()

    def _ports(self, listeners: list[socket.socket]) -> list[int | str]:
        """Where they listen; of an inherited Unix socket the path."""
        names = (listener.getsockname() for listener in listeners)
        return list(dict.fromkeys(name[1] if isinstance(name, tuple) else str(name) for name in names))

    def _announcing(self, ready: int | None, listeners: list[socket.socket]) -> Callable[[], None]:
        """What says that this process serves: to its supervisor where it has one, else to people."""
        if ready is None:
            return lambda: self._say(_serving(self._ports(listeners)))

        def tell_supervisor() -> None:
            os.write(ready, b".")
            os.close(ready)

        return tell_supervisor

    def _say(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a full disk, a reader that has gone: no reason not to serve
            self.stdout.write(line)
            self.stdout.flush()


def _serving(ports: list[int | str]) -> str:
    return f"Serving on port {' and '.join(map(str, ports))}."
