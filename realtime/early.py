"""Events that came before their turn: the bell rings in any order, a room delivers in one."""

from realtime.eventlog import Event

EARLY = 2000
EARLY_CHARACTERS = 4_000_000


class Early:
    """One room's, by seq. What finds no room is not kept: it is read from the log when its turn comes."""

    def __init__(self, most: int = EARLY, most_characters: int = EARLY_CHARACTERS) -> None:
        self._most = most
        self._most_characters = most_characters
        self._events: dict[int, Event] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: Event) -> None:
        fits = len(self._events) < self._most and self.size + len(event.envelope) <= self._most_characters
        if fits and event.seq not in self._events:
            self._events[event.seq] = event
            self.size += len(event.envelope)

    def take(self, seq: int) -> Event | None:
        event = self._events.pop(seq, None)
        if event is not None:
            self.size -= len(event.envelope)
        return event

    def drop_until(self, head: int) -> None:
        """Let go of what has been delivered by another way."""
        for seq in [seq for seq in self._events if seq <= head]:
            self.take(seq)
