"""What a process keeps of its clients goes with them: no table grows with whoever was ever here."""

import asyncio
import gc
import time

from prometheus_client import REGISTRY

from realtime import metrics
from realtime.history import Recents
from realtime.hub import LINGER_SECONDS
from realtime.paging import Pager
from realtime.presence import REFRESH_SECONDS, REFRESHED_PER_FLUSH
from tests.realtime.hub_rig import Bells, Reader, Rig, run
from tests.support.waiting import until

CLIENTS = 60
ROOMS = 5


def test_of_clients_that_came_did_all_they_can_and_left_nothing_is_kept(bells: Bells, rig: Rig) -> None:
    async def story() -> None:
        gateway, hub, presence = rig.gateway, rig.hub, rig.gateway.presence
        rooms = [rig, *(Rig(bells) for _ in range(ROOMS - 1))]
        for each in rooms:
            each.gateway, each.hub = gateway, hub
            await each.create()
            await each.write(3)
        readers = [Reader(str(number % 20), slow=number % 2 == 0) for number in range(CLIENTS)]
        for reader in readers:
            gateway.add(reader.connection)
        for each in rooms:
            await asyncio.gather(*(each.join(reader, since=0) for reader in readers))
        await hear_of_others(rig)
        for reader in readers:
            for seat in reader.connection.seats.values():
                presence.signal(seat, {"typing": True})
        presence.flush()
        await Pager(hub).newest(rig.room, 0, 2)
        for reader in readers:
            gateway.remove(reader.connection)
            gateway.audit.closed(reader.connection, 1000)
        assert hub.rooms()
        assert hub.memory.recents.size
        later(presence)
        hub.close_idle(time.monotonic() + LINGER_SECONDS + 1)
        for _ in range(1 + ROOMS // REFRESHED_PER_FLUSH):
            presence.flush()
        await until(lambda: not hub._background and not hub._replays._running)
        gc.collect()
        assert not [*hub.rooms(), *presence._rooms, *presence._turns, *presence._restless, *bells.subscribed]
        assert (hub.memory.recents.size, hub.memory.pages.size, len(hub.rights._asked)) == (0, 0, 0)
        assert not [*gateway.connections, *gateway.census.of_user, *gateway.census.of_address]
        assert not gateway.audit.open

    run(story())


async def hear_of_others(rig: Rig) -> None:
    """Another gateway says whom it has in the room: more than any of ours would."""
    people = [{"id": str(number), "name": "", "username": ""} for number in range(1000)]
    word = {"kind": "presence", "room": rig.room.name, "instance": "other", "people": people, "asking": False}
    rig.gateway.presence.hear(word)
    here = rig.gateway.presence._rooms[rig.room.name]
    assert len(here.theirs["other"].people) == 100


def later(presence: object) -> None:
    """As if so much time had gone by that each room's turn has come."""
    turns = presence._turns  # type: ignore[attr-defined]
    for place, (at, name) in enumerate(turns):
        turns[place] = at - 2 * REFRESH_SECONDS, name


def test_a_metric_has_no_label_that_a_client_chose() -> None:
    for number in range(50):
        metrics.count_in(f"made:up-{number}")
        metrics.count_out(f"made:up-{number}")
        metrics.count_close(3000 + number)
    labels = {
        label for metric in REGISTRY.collect() for one in metric.samples for label in one.labels.values()
    }
    assert not [
        label for label in labels if label.startswith("made:up") or label in map(str, range(3000, 3050))
    ]


def test_a_room_larger_than_all_rooms_may_be_is_not_kept_at_all(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        rig.hub.memory.recents = Recents(most=100)
        reader = Reader("one")
        await rig.join(reader)
        await rig.write(3)
        for seq in (1, 2, 3):
            rig.ring(seq)
        await until(lambda: reader.seqs == [1, 2, 3])
        assert rig.hub.memory.recents.size == 0
        late = Reader("two")
        await rig.join(late, since=0)
        await until(lambda: late.seqs == [1, 2, 3])

    run(story())
