"""Sequences of frames and requests against a running service, in the hope that something gives way."""

from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.fuzz import frames, values
from tests.fuzz.clients import PlainClient, SocketIOClient
from tests.fuzz.world import CREDENTIALS, World
from tests.support.people import EDITOR, VIEWER

MOST_CLIENTS = 4
MOST_QUERY = 10_000  # a longer address is refused before anybody looks at it
CLOSE_CODES = (1000, 1001, 1011, 3000, 4000, 4401, 4999)
FIELDS = ("title", "description", "labels", "dueOn", "assignee", "column", "after", "role", "name", "text")
WRITES = (
    "projects/@public/tasks/",
    "tasks/@task/move/",
    "tasks/@task/comments/",
    "projects/@private/columns/",
)
READS = ("projects/@public/events/", "projects/@private/events/", "projects/@public/tasks/", "projects/")
PARAMETERS = ("since", "limit", "cursor", "x")  # and no `wait`: what is held answers nothing

slots = st.integers(0, MOST_CLIENTS - 1)


class Sequences(RuleBasedStateMachine):
    """Up to four clients misbehave; an honest one beside them gets every event of their board in order."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.clients: list[PlainClient] = []
        self.honest = world.stack.socket(VIEWER)
        self.first = self.honest.join(world.public.id)["seq"]

    # --- connections --------------------------------------------------------------------------

    @precondition(lambda self: len(self.clients) < MOST_CLIENTS)
    @rule(who=st.sampled_from(CREDENTIALS), over_socketio=st.booleans())
    def connect(self, who: str, over_socketio: bool) -> None:
        token, url = self.world.token(who), self.world.stack.second.ws_url
        client = SocketIOClient(url, token) if over_socketio else self._plain(token)
        self._add(client)

    @precondition(lambda self: len(self.clients) < MOST_CLIENTS)
    @rule(
        header=st.sampled_from(("Authorization", "Origin", "Cookie", "Sec-WebSocket-Protocol", "User-Agent")),
        value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
        | st.sampled_from(
            ("Bearer @forged", "Bearer @editor", "devmentor.v1, bearer.@editor", "sessionid=x")
        ),
        query=st.sampled_from(("", "?EIO=4", "?token=@editor", "?" + "x" * 3000, "?%00=%ff")),
    )
    def connect_oddly(self, header: str, value: str, query: str) -> None:
        fill = self.world.known.fill
        url = self.world.stack.second.ws_url + fill(query)
        self._add(PlainClient(url, additional_headers={header: fill(value).strip()}))

    @precondition(lambda self: self.clients)
    @rule(slot=slots, code=st.sampled_from(CLOSE_CODES))
    def leave(self, slot: int, code: int) -> None:
        self._client(slot).close(code)
        self.clients.pop(slot % len(self.clients))

    # --- frames -------------------------------------------------------------------------------

    @precondition(lambda self: self.clients)
    @rule(slot=slots, several=st.lists(st.tuples(frames.frames, frames.packets), min_size=1, max_size=5))
    def say(self, slot: int, several: list[tuple[str, str]]) -> None:
        """One after the other, without waiting for answers in between."""
        client = self._client(slot)
        for frame, packet in several:
            self.world.cases += 1
            client.send(self.world.known.fill(packet if isinstance(client, SocketIOClient) else frame))
        client.settle()

    @precondition(lambda self: self.clients)
    @rule(slot=slots, message=st.binary(max_size=60), as_text=st.booleans())
    def say_bytes(self, slot: int, message: bytes, as_text: bool) -> None:
        self.world.cases += 1
        client = self._client(slot)
        client.send(message, as_text)
        client.settle()

    # --- requests between them ----------------------------------------------------------------

    @rule(title=st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=20))
    def write(self, title: str) -> None:
        self.world.cases += 1
        assert self.world.editor.post(f"{self.world.public.path}/tasks/", {"title": title}).status_code == 201

    @rule(path=st.sampled_from(WRITES), body=values.json_objects(FIELDS, values.json_values))
    def write_oddly(self, path: str, body: str) -> None:
        headers = {"Content-Type": "application/json"}
        content = self.world.known.fill(body).encode("utf-8", "surrogatepass")
        self._request("POST", self.world.known.fill(path), content=content, headers=headers)

    @rule(path=st.sampled_from(READS), name=st.sampled_from(PARAMETERS), value=values.texts)
    def read_oddly(self, path: str, name: str, value: str) -> None:
        filled = self.world.known.fill(f"{path}?{name}=") + quote(self.world.known.fill(value))[:MOST_QUERY]
        self._request("GET", filled)

    @rule()
    def change_rights(self) -> None:
        """The editor leaves the private board, and comes back; sockets of theirs may be in it."""
        self.world.cases += 2
        owner, path = self.world.owner, f"{self.world.private.path}/members/"
        members = owner.get(path).json()["results"]
        (member,) = (member for member in members if member["user"]["username"] == EDITOR.username)
        assert owner.delete(f"/api/members/{member['id']}/").status_code == 204
        assert owner.post(path, {"username": EDITOR.username, "role": "editor"}).status_code == 201

    # --- what holds ---------------------------------------------------------------------------

    @invariant()
    def nothing_failed(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        try:
            for client in self.clients:
                client.close()
            self._check_honest()
            self.world.check()
        finally:
            self.honest.close()

    def _check_honest(self) -> None:
        """It is connected still, and has every event since it joined, once and in order."""
        self.world.public.add_task("The last")
        last = self.world.public.seq
        self.honest.wait_for_seq(last)
        assert self.honest.seqs() == list(range(self.first + 1, last + 1))

    # --- helpers ------------------------------------------------------------------------------

    def _plain(self, token: str | None) -> PlainClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return PlainClient(self.world.stack.second.ws_url, additional_headers=headers)

    def _add(self, client: PlainClient) -> None:
        self.world.cases += 1
        self.clients.append(client)

    def _client(self, slot: int) -> PlainClient:
        return self.clients[slot % len(self.clients)]

    def _request(self, method: str, path: str, **options: Any) -> None:
        self.world.cases += 1
        answer = self.world.editor.request(method, f"/api/{path}", **options)
        assert answer.status_code < 500, (path, options, answer.text)
