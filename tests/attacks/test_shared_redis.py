"""Redis only wakes: neither another installation on it nor whoever may PUBLISH there is believed."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from psycopg import sql

from tests.support.api import Api, answered, log_in
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.metrics import read_metric
from tests.support.people import EDITOR, OWNER, VIEWER, Person
from tests.support.processes import eventually
from tests.support.raw_http import get
from tests.support.redis import Redis
from tests.support.sockets import Socket
from tests.support.stack import Stack, Templates

IGNORED = "websocket_bell_ignored_total"
LIES = "something that never was"
HEAL_SECONDS = 2.5


class Installation:
    """Gateways on one database, and clients of theirs."""

    def __init__(self, resources: ExitStack, folder: Path, gateways: int = 1, **settings: str) -> None:
        self._resources = resources
        started = [Gateway(settings, folder) for _ in range(gateways)]
        self.gateways = [resources.enter_context(gateway) for gateway in started]
        self.api = self.api_of(OWNER)

    def api_of(self, person: Person) -> Api:
        url = self.gateways[0].http_url
        api = Api(url, log_in(url, person))
        self._resources.callback(api.close)
        return api

    def member(self, board: str, person: Person, gateway: int = 0) -> Socket:
        """This person's socket, in the room of the board."""
        found = self.gateways[gateway]
        socket = Socket(found.ws_url, token=log_in(found.http_url, person))
        self._resources.enter_context(socket)
        socket.join(board)
        return socket

    def rename(self, task: str, title: str) -> None:
        answered(self.api.patch(f"/api/tasks/{task}/", {"title": title}), 200)


@pytest.fixture
def resources() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


@pytest.fixture
def shared(resources: ExitStack) -> Redis:
    redis = Redis()
    resources.callback(redis.stop)
    return redis


def copy_of(database: str, name: str) -> str:
    """The address of a copy in the same cluster, as one makes it for staging."""
    server, _, original = database.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(original))
        )
    return f"{server}/{name}"


def test_two_installations_on_one_redis_never_hear_each_other(
    resources: ExitStack, shared: Redis, templates: Templates, tmp_path: Path
) -> None:
    """The same boards and the same SECRET_KEY: only the database and the number behind the slash differ."""
    database = templates.copy("distributed")
    with ExitStack() as first:
        made = Installation(first, tmp_path, DATABASE_URL=database, REDIS_URL=shared.url)
        board = Board(made.api)
        task = board.add_task("As copied")["id"]
    copy = copy_of(database, f"{database.rpartition('/')[2]}_staging")
    production = Installation(resources, tmp_path, 2, DATABASE_URL=database, REDIS_URL=shared.url)
    other_number = shared.url.removesuffix("0") + "1"
    staging = Installation(resources, tmp_path, DATABASE_URL=copy, REDIS_URL=other_number)

    staging.rename(task, "The first change")  # after which a copy's clients load the board again
    here = production.member(board.id, OWNER, 1)
    there = staging.member(board.id, VIEWER)
    staging.rename(task, "Of staging")
    assert there.wait_for("task:updated")["data"]["title"] == "Of staging"
    production.rename(task, "Of production")
    assert here.wait_for("task:updated")["data"]["title"] == "Of production"
    # Presence goes by the channel layer alone: the two of production do hear each other.
    production.member(board.id, EDITOR, 0)
    here.wait_for(lambda frame: frame["event"] == "presence:joined" and EDITOR.name in str(frame))
    seen = json.dumps(here.frames)
    assert "Of staging" not in seen
    assert VIEWER.name not in seen
    names = {user["name"] for frame in there.frames for user in frame["data"].get("users", ())}
    assert names <= {VIEWER.name}


def publish_everywhere(redis: Redis, *messages: bytes) -> int:
    """On every channel that somebody hears; how many were handed to a gateway."""
    with redis.client() as client:
        channels: Any = client.pubsub_channels()
        assert len(channels) > 2
        return sum(int(client.publish(channel, each)) for channel in channels for each in messages)


def lies(board: Board) -> list[bytes]:
    """What says that it is an event, a presence, an order; and bytes that are none of it."""
    room = f"project:{board.id}"
    stamp = {"type": "gateway.bell", "v": 1, "room": room, "instance": "forger"}
    envelope = {"event": "task:updated", "projectId": board.id, "seq": board.seq + 1, "data": {"title": LIES}}
    event = {"kind": "event", "seq": board.seq + 1, "event": "task:updated", "at": 1e9}
    pack = RedisPubSubChannelLayer().serialize
    people = [{"id": "4711", "username": "forger", "name": LIES}]
    update = json.dumps({"event": "presence:updated", "data": {"state": LIES}})
    messages: list[dict[str, Any]] = [
        {**event, "envelope": json.dumps(envelope), "reauthorise": False},
        {"kind": "presence", "people": people, "more": 0, "asking": False},
        {"kind": "signals", "frames": [update]},
        {"kind": "order", "order": "gateway-dead"},
    ]
    return [*(pack({**stamp, **each}) for each in messages), b"", b"\xc1", b"\x00" * 500]


@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_whoever_may_publish_in_redis_is_not_believed(own_stack: Stack, own_board: Board) -> None:
    assert own_stack.redis is not None
    socket = own_stack.socket(OWNER)
    socket.join(own_board.id)
    urls = [gateway.http_url for gateway in own_stack.gateways]
    handed = publish_everywhere(own_stack.redis, *lies(own_board))
    eventually(
        lambda: sum(read_metric(url, IGNORED) for url in urls) == handed, 20, "all of it to be ignored"
    )
    task = own_board.add_task("The truth")
    assert socket.wait_for("task:created")["data"]["id"] == task["id"]
    assert LIES not in json.dumps(socket.frames)
    for gateway in own_stack.gateways:
        assert get(f"{gateway.http_url}/ready").json()["checks"]["channelLayer"] == "ok"
        log = gateway.log.read_text()
        assert log.count("ignored a message of the channel layer") == 1
        assert "not heard" not in log


@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_what_was_said_once_is_not_believed_again(own_stack: Stack, own_board: Board) -> None:
    """Whoever may also listen there knows messages that are genuine."""
    assert own_stack.redis is not None
    here, there = own_stack.socket(OWNER), own_stack.socket(EDITOR, own_stack.first)
    with own_stack.redis.client() as client, client.pubsub(ignore_subscribe_messages=True) as listening:
        listening.psubscribe("*")
        for socket in (here, there):
            socket.join(own_board.id)
        there.request("presence:update", {"projectId": own_board.id, "state": "typing"})
        here.wait_for("presence:updated")
        own_board.add_task("Once")
        here.wait_for_seq(own_board.seq)
        heard: list[Any] = []
        while not heard or b"Once" not in heard[-1]["data"]:
            heard += filter(None, [listening.get_message(timeout=5)])
    assert any(b"typing" in each["data"] for each in heard)
    urls = [gateway.http_url for gateway in own_stack.gateways]
    before = sum(read_metric(url, IGNORED) for url in urls)
    with own_stack.redis.client() as client:
        handed = sum(int(client.publish(each["channel"], each["data"])) for each in heard)
    eventually(
        lambda: sum(read_metric(url, IGNORED) for url in urls) == before + handed, 20, "it to be ignored"
    )
    own_board.add_task("Twice")
    here.wait_for_seq(own_board.seq)
    assert [frame["event"] for frame in here.frames].count("presence:updated") == 1


@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_gateways_with_another_secret_lose_nothing(own_stack: Stack, own_board: Board) -> None:
    """As in the minutes in which SECRET_KEY is replaced, gateway by gateway."""
    replaced = own_stack.add_gateway(SECRET_KEY="another-key-of-more-than-thirty-two-bytes-for-the-next")
    token = log_in(replaced.http_url, OWNER)
    with Socket(replaced.ws_url, token=token) as socket:
        socket.join(own_board.id)
        for number in range(3):
            own_board.add_task(f"Number {number}")
            socket.wait_for_seq(own_board.seq, HEAL_SECONDS)
        assert socket.seqs() == sorted(set(socket.seqs()))
