"""What fuzzing finds before it: a running service with boards, people and tokens; what must hold of it."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.values import Known
from tests.realtime.wire import forged
from tests.support.api import Api
from tests.support.boards import Board
from tests.support.logged_errors import errors_in
from tests.support.people import EDITOR, OPERATOR, OUTSIDER, OWNER, VIEWER
from tests.support.stack import Stack

PEOPLE = {"viewer": VIEWER, "editor": EDITOR, "owner": OWNER, "outsider": OUTSIDER, "operator": OPERATOR}
ROLES = ("guest", "outsider", "viewer", "editor", "owner", "operator", "service")
CREDENTIALS = (*ROLES, "forged", "expired")
GONE = "00000000-0000-4000-8000-000000000000"


@dataclass
class World:
    """A stack with a public and a private board; `cases` counts the frames and requests sent."""

    stack: Stack
    cases: int = 0
    public: Board = field(init=False)
    private: Board = field(init=False)
    editor: Api = field(init=False)
    owner: Api = field(init=False)
    known: Known = field(init=False)

    def __post_init__(self) -> None:
        self.owner, self.editor = self.stack.api(OWNER), self.stack.api(EDITOR)
        self.public, self.private = Board(self.owner, public=True), Board(self.owner)
        self._service = self.stack.console("service_token", "fuzz").out.strip()
        task = self.public.add_task()["id"]
        words = {f"@{name}": self.token(name) for name in CREDENTIALS if name != "guest"}
        ids = {"@public": self.public.id, "@private": self.private.id, "@task": task, "@gone": GONE}
        self.known = Known({**{word: token or "" for word, token in words.items()}, **ids})

    def token(self, name: str) -> str | None:
        """Of a role; of somebody whose token does not hold; None for a guest."""
        match name:
            case "guest":
                return None
            case "service":
                return self._service
            case "forged":
                return forged(self.stack.token(EDITOR), secret="x" * 40)
            case "expired":
                return forged(self.stack.token(EDITOR), exp=1)
        return self.stack.token(PEOPLE[name])

    def memory(self) -> int:
        """Resident bytes of all gateways."""
        return sum(_resident_bytes(gateway.process.pid) for gateway in self.stack.gateways)

    def check(self) -> None:
        """Every gateway runs, and has logged no error since the last look. A long run outlives its tokens."""
        for api, person in ((self.owner, OWNER), (self.editor, EDITOR)):
            api.use(self.stack.token(person))
        for gateway in self.stack.gateways:
            errors = errors_in(gateway.read_new())
            assert not errors, "\n".join(errors)
            assert gateway.running, gateway.tail()


def _resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
