"""`presence:updated`, the passing state of a member: of nobody who has left, or is somebody else by now."""

import asyncio

import pytest

from realtime.connection import Identity, Seat
from realtime.presence import SIGNALS_PER_FLUSH
from tests.realtime.hub_rig import Reader, Rig, run


def seat_of(reader: Reader, rig: Rig) -> Seat:
    return reader.connection.seats[rig.room.name]


@pytest.mark.parametrize("ending", ["leaves", "is put out", "is another's socket"])
def test_of_who_has_gone_no_state_is_told_however_many_wait(rig: Rig, ending: str) -> None:
    async def story() -> None:
        await rig.create()
        watching, leaving = Reader("watching"), Reader("leaving")
        others = [Reader(str(number)) for number in range(SIGNALS_PER_FLUSH)]
        for reader in (watching, *others, leaving):
            await rig.join(reader)
        presence, seat = rig.gateway.presence, seat_of(leaving, rig)
        presence.flush()
        for reader in (*others, leaving):
            presence.signal(seat_of(reader, rig), {"typing": True})
        presence.flush()
        assert watching.heard.count("presence:updated") == SIGNALS_PER_FLUSH
        match ending:
            case "leaves":
                rig.gateway.leave(seat)
            case "is put out":
                rig.gateway._eject(seat)
            case _:
                rig.gateway.identify(leaving.connection, Identity("other", "other", "other"))
                presence.identify(seat)
        presence.flush()
        await asyncio.sleep(0)
        assert watching.heard.count("presence:updated") == SIGNALS_PER_FLUSH
        assert watching.heard[-1].startswith("presence:")

    run(story())


def test_who_has_many_sockets_has_no_larger_share_than_others(rig: Rig) -> None:
    """An account that is no member may open as many as it likes on a public board."""

    async def story() -> None:
        await rig.create()
        watching, member = Reader("watching"), Reader("member")
        stranger = [Reader("stranger") for _ in range(3 * SIGNALS_PER_FLUSH)]
        for reader in (watching, *stranger, member):
            await rig.join(reader)
        presence = rig.gateway.presence
        presence.flush()
        for flushes in range(1, 4):
            for reader in (*stranger, member):
                presence.signal(seat_of(reader, rig), {"typing": True})
            presence.flush()
            assert watching.heard.count("presence:updated") == 2 * flushes
        waiting = presence._rooms[rig.room.name].signals
        assert seat_of(member, rig) not in waiting
        assert len(waiting) == len(stranger) - 1

    run(story())
