"""What operators throw and order ends the long polls that are held, as it ends sockets."""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from realtime.long_pollers import GRACE_SECONDS
from tests.realtime.log_in_rig import waiting
from tests.support.api import bearer
from tests.support.boards import Board
from tests.support.many import Headers, Many, Polled
from tests.support.people import OWNER, VIEWER
from tests.support.processes import eventually
from tests.support.stack import KINDS, Stack, Templates

SOON = 4.0  # two seconds by the contract, and room for a busy machine
WAIT = 28_000
GUEST: Headers = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "a-guest"}


@pytest.fixture(scope="module", params=KINDS)
def _running(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    settings = {"TRUSTED_PROXIES": "127.0.0.0/8", "MAX_HELD_POLLS": "50"}
    stack = Stack(request.param, templates.copy(request.param), tmp_path_factory.mktemp("polled"), settings)
    yield stack
    stack.stop()


class Scene:
    """A guest and a member, each with a poll that the second gateway holds."""

    def __init__(self, stack: Stack, many: Many) -> None:
        self.stack = stack
        self.many = many
        self.board = Board(stack.api(OWNER), public=True)
        self.head = self.board.seq
        self.guest = self.poll(GUEST)
        self.member = self.poll(self.viewer)

    @property
    def viewer(self) -> Headers:
        return bearer(self.stack.token(VIEWER), **{"X-Forwarded-For": "203.0.113.10"})

    def poll(self, headers: Headers) -> "Future[Polled]":
        """A poll that is held."""
        before = waiting(self.stack.second)
        found = self.many.poll(self.url, headers)
        eventually(lambda: waiting(self.stack.second) > before, what="the poll to be held")
        return found

    @property
    def url(self) -> str:
        return f"{self.stack.second.http_url}{self.board.path}/events/?since={self.head}&wait={WAIT}"

    def operate(self, *command: str) -> None:
        outcome = self.stack.console(*command)
        assert outcome.status == 0, outcome

    def assert_held(self, poll: "Future[Polled]") -> None:
        """It is not answered before the next event, and then with that."""
        assert not poll.done()
        self.board.add_task("Wakes who waits")
        assert [event["seq"] for event in poll.result(SOON).body["events"]] == [self.head + 1]

    def closed(self, code: int) -> list[dict[str, Any]]:
        rows = self.stack.console("audit_connections", "--json", "--all").json()
        return [row for row in rows if row["closeCode"] == code and self.board.id in row["rooms"]]

    def audited(self, count: int) -> list[dict[str, Any]]:
        found = [row for row in self.live() if self.board.id in row["rooms"]]
        return found if len(found) == count else []

    def live(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.stack.console("audit_connections", "--json").json()
        return rows


@pytest.fixture
def scene(_running: Stack) -> Iterator[Scene]:
    with Many() as many:
        scene = Scene(_running, many)
        eventually(lambda: scene.audited(2), 10, "the audit to know both")
        yield scene
        for undo in (
            ("realtime", "on"),
            ("strict", "off"),
            ("policy", "require-auth", "unset"),
            ("policy", "max-held-polls", "unset"),
        ):
            scene.operate(*undo)
        _running.close_clients()


def test_the_audit_has_who_polls(scene: Scene) -> None:
    found = {row["user"]: row for row in scene.audited(2)}
    assert {row["transport"] for row in found.values()} == {"long-poll"}
    assert (found[None]["address"], found[None]["agent"]) == ("203.0.113.9", "a-guest")
    assert found[VIEWER.username]["address"] == "203.0.113.10"
    ids = {row["connectionId"] for row in found.values()}
    scene.board.add_task("Ends both polls")
    scene.guest.result(SOON), scene.member.result(SOON)
    scene.head += 1
    scene.poll(GUEST), scene.poll(scene.viewer)
    assert {row["connectionId"] for row in scene.audited(2)} == ids, "the same two clients"


def test_a_user_is_disconnected(scene: Scene) -> None:
    scene.operate("disconnect", "--user", VIEWER.username, "--reason", "lost laptop")
    answer = scene.member.result(SOON)
    assert (answer.status, answer.body["code"], answer.body["detail"]) == (403, "forbidden", "lost laptop")
    assert 5 <= int(answer.headers["retry-after"]) <= 10
    (row,) = eventually(lambda: scene.closed(4403), what="the audit to know")
    assert (row["user"], row["closeReason"]) == (VIEWER.username, "lost laptop")
    scene.assert_held(scene.poll(scene.viewer))  # it may come back
    scene.guest.result(SOON)


def test_an_address_is_disconnected(scene: Scene) -> None:
    scene.operate("disconnect", "--ip", "203.0.113.0/29")
    scene.assert_held(scene.guest)
    scene.member.result(SOON)


def test_a_connection_is_disconnected_by_its_id(scene: Scene) -> None:
    guest = next(row for row in scene.audited(2) if row["user"] is None)
    scene.operate("disconnect", "--connection", guest["connectionId"])
    assert scene.guest.result(SOON).status == 403
    scene.assert_held(scene.member)


def test_a_network_is_blocked(scene: Scene) -> None:
    scene.operate("block", "203.0.113.9")
    try:
        answer = scene.guest.result(SOON)
        assert (answer.status, "retry-after" in answer.headers) == (403, False)
        assert "blocked" in answer.body["detail"]
        scene.assert_held(scene.member)
    finally:
        scene.operate("block", "--lift", "203.0.113.9")


@pytest.mark.parametrize("command", [("strict", "on"), ("policy", "require-auth", "on")], ids=" ".join)
def test_guests_are_shut_out(scene: Scene, command: tuple[str, ...]) -> None:
    scene.operate(*command)
    answer = scene.guest.result(SOON)
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    scene.assert_held(scene.member)


def test_real_time_off_lets_all_go_and_holds_none(scene: Scene) -> None:
    scene.operate("realtime", "off")
    for poll in (scene.guest, scene.member, scene.many.poll(scene.url, GUEST)):
        answer = poll.result(SOON)
        assert (answer.status, answer.body["events"], answer.body["seq"]) == (200, [], scene.head)
        assert 1000 <= answer.body["pollAfterMs"] < 3000
    assert len(eventually(lambda: scene.closed(4000), what="the audit to know")) == 2
    scene.board.add_task("While nobody waits")
    late = scene.many.poll(scene.url, GUEST).result(SOON)
    assert [event["seq"] for event in late.body["events"]] == [scene.head + 1]
    scene.operate("realtime", "on")
    scene.head += 1
    scene.assert_held(scene.poll(GUEST))


def test_a_limit_is_lowered(scene: Scene) -> None:
    """The newest is let go, with what there is; it is the member's."""
    eventually(lambda: len(scene.live()) == 2, 3 * GRACE_SECONDS, "those of the tests before to be gone")
    scene.operate("policy", "max-held-polls", "1")
    answer = scene.member.result(SOON)
    assert (answer.status, answer.body["events"]) == (200, [])
    assert answer.body["pollAfterMs"] >= 1000
    scene.assert_held(scene.guest)


def test_a_gateway_that_stops_lets_all_go(own_stack: Stack) -> None:
    with Many() as many:
        scene = Scene(own_stack, many)
        assert own_stack.second.stop() == 0
        for poll in (scene.guest, scene.member):
            assert (poll.result(SOON).status, poll.result().body["events"]) == (200, [])
        assert {row["user"] for row in scene.closed(1012)} == {None, VIEWER.username}
        assert "Traceback" not in own_stack.second.tail(10_000)
