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
