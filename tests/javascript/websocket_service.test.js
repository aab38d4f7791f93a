import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { WebsocketService } from "../../realtime/static/realtime/websocket_service.js";
import { FakeClock } from "./support/fake_clock.js";
import { FakeGateway } from "./support/fake_gateway.js";

let clock, gateway, service, heard, news;

beforeEach(() => {
  clock = new FakeClock();
  gateway = new FakeGateway();
  heard = [];
  news = [];
  service = new WebsocketService({
    kind: { name: "project", idKey: "projectId", eventsAddress: "/api/projects/{room}/events/" },
    directoryAddress: "/api/realtime/",
    clock,
    random: () => 0.5,
    fetch: gateway.fetch,
    open: gateway.open,
    ownSocket: "ws://page.test/ws",
  });
  service.on("*", (event) => heard.push(event.seq));
  for (const name of ["trimmed", "unauthenticated", "refused"]) service.on(name, () => news.push(name));
});

async function start(since = 0) {
  service.connect();
  service.joinProject("p", since);
  await clock.pass(100);
}

const mode = () => service.getConnectionStatus().mode;

test("joins, catches up and is Live", async () => {
  gateway.append();
  gateway.append();
  await start(1);
  assert.deepEqual(heard, [2]);
  const { transport, connected, rooms, lastSeq, reconnectAttempts } = service.getConnectionStatus();
  assert.deepEqual({ transport, connected, rooms, lastSeq, reconnectAttempts }, { transport: "websocket", connected: true, rooms: ["p"], lastSeq: 2, reconnectAttempts: 0 });
  assert.equal(mode(), "live");
  assert.equal(gateway.polls, 0);
});

test("a refused socket means Polling, with every event once, and Live again when sockets open", async () => {
  gateway.acceptsSockets = false;
  await start();
  gateway.append();
  await clock.pass(2500);
  assert.equal(mode(), "polling");
  assert.deepEqual(heard, [1]);
  gateway.acceptsSockets = true;
  gateway.append();
  await clock.pass(12_000);
  assert.equal(mode(), "live");
  gateway.append();
  assert.deepEqual(heard, [1, 2, 3]);
  const { polls } = gateway;
  await clock.pass(20_000);
  assert.equal(gateway.polls, polls, "no poll while live");
});

test("an address that cannot be opened is left for the page's own, at once and for good", async () => {
  gateway.closedAt = ["ws://test/"];
  await start();
  assert.equal(mode(), "live");
  assert.deepEqual(gateway.sockets.map((socket) => socket.url), ["ws://page.test/ws"]);
  gateway.closeAll(1006);
  await clock.pass(3000);
  assert.equal(mode(), "live");
  assert.deepEqual(gateway.unreachable, []);
});

test("where no socket opens at either address the page polls, says so, and comes back by either", async () => {
  gateway.closedAt = ["ws://test/", "ws://page.test/ws"];
  await start();
  gateway.append();
  await clock.pass(30_000);
  assert.equal(mode(), "polling");
  assert.deepEqual(heard, [1]);
  assert.deepEqual([...new Set(gateway.unreachable)], ["ws://test/"]);
  gateway.closedAt = ["ws://page.test/ws"];
  await clock.pass(12_000);
  assert.equal(mode(), "live");
  gateway.unreachable = [];
  gateway.closeAll(1006);
  await clock.pass(3000);
  assert.deepEqual(gateway.unreachable, []);
});

test("a poll that an operator has cut off is asked again when it was told to", async () => {
  gateway.acceptsSockets = false;
  await start();
  gateway.cutsPollsFor = 5;
  await clock.pass(2500);
  const { polls } = gateway;
  await clock.pass(2000);
  assert.equal(gateway.polls, polls, "not before");
  gateway.cutsPollsFor = null;
  gateway.append();
  await clock.pass(8000);
  assert.deepEqual(heard, [1]);
  assert.deepEqual(news, []);
});

test("a connection that comes back within a second never showed anything but Live", async () => {
  await start();
  const words = new Set();
  service.on("status", (status) => words.add(status.mode));
  gateway.closeAll(1006);
  gateway.append();
  await clock.pass(3000);
  assert.deepEqual([...words], ["live"]);
  assert.deepEqual(heard, [1]);
  assert.equal(gateway.polls, 0);
});

test("switched off by close 4000: Polling at once; switched on again: Live within 15 s", async () => {
  await start();
  gateway.realtime = false;
  gateway.acceptsSockets = false;
  gateway.closeAll(4000, "real-time is off");
  await clock.pass(200);
  assert.equal(mode(), "polling");
  await clock.pass(60_000);
  gateway.append();
  await clock.pass(1500);
  assert.deepEqual(heard, [1]);
  gateway.realtime = gateway.acceptsSockets = true;
  await clock.pass(15_000);
  assert.equal(mode(), "live");
});

test("with nothing reachable it is Offline, and comes back by itself", async () => {
  await start();
  gateway.reachable = false;
  gateway.closeAll(1006);
  await clock.pass(5000);
  assert.equal(mode(), "offline");
  await clock.pass(10 * 60_000);
  gateway.reachable = true;
  gateway.append();
  await clock.pass(11_000);
  assert.equal(mode(), "live");
  assert.deepEqual(heard, [1]);
});

test("a silent socket is not believed for longer than its heartbeats allow", async () => {
  await start();
  gateway.sockets[0].silent = true;
  gateway.append();
  await clock.pass(35_000);
  assert.deepEqual(heard, [1]);
  assert.equal(mode(), "live"); // on a new socket
  assert.equal(gateway.joins.length, 2);
});

test("a hole makes it ask again with its cursor", async () => {
  await start();
  gateway.append();
  gateway.sockets[0].joined = false;
  gateway.append();
  gateway.sockets[0].joined = true;
  gateway.append();
  await clock.pass(1500);
  assert.deepEqual(heard, [1, 2, 3]);
  assert.equal(gateway.joins.at(-1).since, 1);
});

test("a heartbeat that knows of later events makes it ask again, though nothing follows", async () => {
  await start();
  gateway.sockets[0].joined = false;
  gateway.append();
  gateway.sockets[0].say({ event: "heartbeat", data: { at: "", rooms: { p: 1 } } });
  await clock.pass(2000);
  assert.deepEqual(heard, [1]);
});

test("trimmed history is told over either transport, and it goes on from the fresh board", async () => {
  for (let count = 0; count < 5; count += 1) gateway.append();
  gateway.trimmedBefore = 4;
  await start(1);
  assert.deepEqual(news, ["trimmed"]);
  service.restartAt("p", 5);
  await clock.pass(100);
  gateway.append();
  assert.deepEqual(heard, [6]);
  assert.equal(mode(), "live");

  gateway.acceptsSockets = false;
  gateway.trimmedBefore = 9;
  gateway.closeAll(1006);
  await clock.pass(3000);
  assert.deepEqual(news, ["trimmed", "trimmed"]);
});

test("a session that ended is told once it cannot be gone on with, and polling goes on", async () => {
  await start();
  gateway.refusesWith = 4401;
  gateway.closeAll(4401, "log in");
  await clock.pass(600);
  assert.deepEqual(news, []);
  assert.equal(gateway.polls, 0, "a request in this moment would take the cookie of a new session away");
  await clock.pass(5000);
  assert.deepEqual(news, ["unauthenticated"]);
  assert.equal(mode(), "polling");
});

test("where another session has begun meanwhile, the page is back without a word", async () => {
  await start();
  gateway.closeAll(4401, "log in");
  await clock.pass(5000);
  gateway.append();
  assert.deepEqual([news, heard, mode()], [[], [1], "live"]);
});

test("a poller whose session ended asks once more, with the cookie of now", async () => {
  gateway.acceptsSockets = false;
  await start();
  await clock.pass(3000);
  assert.equal(mode(), "polling");
  gateway.unauthenticatedPolls = 1;
  await clock.pass(30_000);
  assert.equal(gateway.unauthenticatedPolls, 0);
  assert.deepEqual([news, mode()], [[], "polling"]);
  gateway.unauthenticatedPolls = 2;
  await clock.pass(30_000);
  assert.deepEqual(news, ["refused"]);
});

test("a draining server is left for as long as it asked", async () => {
  await start();
  gateway.sockets[0].say({ event: "system:draining", data: { reconnectAfterMs: 5000 } });
  gateway.closeAll(1012);
  await clock.pass(4900);
  assert.equal(gateway.sockets.length, 0);
  assert.equal(mode(), "polling");
  await clock.pass(300);
  assert.equal(mode(), "live");
});

test("disconnect means Offline and silence; connect goes on where it was", async () => {
  await start();
  service.disconnect();
  assert.equal(mode(), "offline");
  gateway.append();
  await clock.pass(60_000);
  assert.deepEqual(heard, []);
  service.connect();
  await clock.pass(100);
  assert.deepEqual(heard, [1]);
  assert.equal(mode(), "live");
});

test("leaving and joining by hand loses nothing in between", async () => {
  await start();
  service.leaveProject("p");
  assert.deepEqual(service.getConnectionStatus().rooms, []);
  gateway.append();
  service.joinProject("p");
  await clock.pass(100);
  assert.deepEqual(heard, [1]);
});

test("a click on Try now does not wait for the backoff", async () => {
  gateway.acceptsSockets = false;
  await start();
  await clock.pass(120_000);
  gateway.acceptsSockets = true;
  await service.retryNow();
  await clock.pass(50);
  assert.equal(mode(), "live");
});

test("after half an hour in which no timer ran, it is Live again at once", async () => {
  await start();
  gateway.sockets[0].silent = true;
  clock.time += 30 * 60_000; // a laptop asleep
  gateway.append();
  void service.retryNow();
  await clock.pass(4000);
  assert.deepEqual(heard, [1]);
  assert.equal(mode(), "live");
});

test("an answer that is late behind thousands of missed events does not cost the socket", async () => {
  await start();
  gateway.sockets[0].busy = true;
  void service.retryNow();
  await clock.pass(2000);
  gateway.append();
  await clock.pass(2000);
  assert.deepEqual(heard, [1]);
  assert.equal(mode(), "live");
  assert.equal(gateway.sockets.length, 1);
  assert.equal(service.getDetails().lastClose, null);
});

test("what a page waits with is shown with Offline", async () => {
  service.reportWaiting(3);
  assert.equal(service.getDetails().waiting, 3);
});
