"""What the commands that play clients have in common."""

from argparse import ArgumentParser
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

from django.core.management.base import CommandError

from devmentor.loadtesting import options as read
from devmentor.loadtesting.account import own_account
from devmentor.loadtesting.interruptions import Interruptions, Stop
from devmentor.loadtesting.visit import Visit, look, visit_as, visit_with
from realtime.management.operating import OperatorCommand
from realtime.management.wording import database

T = TypeVar("T")
Work = Callable[[Visit, Stop], Coroutine[Any, Any, T]]
INTERRUPTED = 130  # what shells show for a program that Ctrl-C has ended


class LoadCommand(OperatorCommand):
    """One that visits a running gateway, and leaves nothing there."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        read.add_shared(parser)

    def visit(
        self,
        options: dict[str, Any],
        seconds: float,
        work: Work[T],
        done: Callable[[T], None],
        rate: float = 0,
    ) -> None:
        """Look whether a gateway is ready there, and do the work as users made for it, or as --user. `done`
        tells what came of it; then what was made is removed.

        seconds: how long it may take; rate: how many writes a second
        """
        address, project, user = read.address(options), read.project(options), options["user"]
        connections = read.connections(options)
        try:
            with Interruptions() as interruptions:
                interruptions.run(lambda _: look(address))
                if user is not None:
                    visiting = visit_as(address, user, read.password(user), project)
                    done(interruptions.run(partial(_during, visiting, work)))
                    return
                with own_account(project, seconds, connections, rate) as access:
                    visiting = visit_with(address, access, database())
                    done(interruptions.run(partial(_during, visiting, work)))
        except KeyboardInterrupt:
            raise CommandError("stopped before the end", returncode=INTERRUPTED) from None


async def _during(visiting: AbstractAsyncContextManager[Visit], work: Work[T], stop: Stop) -> T:
    async with visiting as visit:
        return await work(visit, stop)
