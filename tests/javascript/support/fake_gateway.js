import { settled } from "./fake_clock.js";

/** Sockets and polls of one room against one log, for the real client. */
export class FakeGateway {
  log = [];
  realtime = true;
  reachable = true;
  acceptsSockets = true;
  /** Addresses at which no socket opens, and which were reported as such. */
  closedAt = [];
  unreachable = [];
  /** The code with which each new socket is closed after its greeting. @type {number | null} */
  refusesWith = null;
  unauthenticatedPolls = 0;
  /** Seconds after which a poll that an operator has cut off may come back. @type {number | null} */
  cutsPollsFor = null;
  trimmedBefore = 0;
  sockets = [];
  polls = 0;
  joins = [];

  append(event = "task:updated") {
    const envelope = { event, projectId: "p", seq: this.log.length + 1, data: {} };
    this.log.push(envelope);
    for (const socket of this.sockets) if (socket.joined) socket.say(envelope);
    return envelope;
  }

  open = (url) => {
    const socket = new FakeSocket(this, url);
    this.sockets.push(socket);
    const opens = this.reachable && this.acceptsSockets && !this.closedAt.includes(url);
    queueMicrotask(() => {
      if (!opens) return socket.end(1006);
      socket.greet();
      if (this.refusesWith) socket.end(this.refusesWith);
    });
    return socket;
  };

  fetch = async (address, { signal = undefined } = {}) => {
    await settled();
    if (signal?.aborted) throw new Error("aborted");
    if (!this.reachable) throw new TypeError("failed to fetch");
    const reported = new URL(address, "http://test").searchParams.get("unreachable");
    if (reported !== null) this.unreachable.push(reported);
    if (address.startsWith("/api/realtime/")) return json({ realtime: this.realtime, websocketUrl: "ws://test/", pollIntervalMs: 1000, banner: null });
    this.polls += 1;
    if (this.unauthenticatedPolls > 0) {
      this.unauthenticatedPolls -= 1;
      return json({ code: "unauthenticated" }, 401);
    }
    if (this.cutsPollsFor !== null) return json({ code: "forbidden" }, 403, { "Retry-After": String(this.cutsPollsFor) });
    const since = Number(new URL(address, "http://test").searchParams.get("since"));
    if (since < this.trimmedBefore) return json({ code: "history-trimmed" }, 410);
    const events = this.log.filter((one) => one.seq > since);
    return json({ seq: this.log.length, events, more: false, pollAfterMs: 1000 });
  };

  closeAll(code, reason = "") {
    for (const socket of [...this.sockets]) socket.end(code, reason);
  }
}

function json(body, status = 200, headers = {}) {
  return new Response(JSON.stringify(body), { status, headers });
}

class FakeSocket {
  readyState = 0;
  joined = false;
  silent = false;
  /** Answers come late, behind whatever else is on its way. */
  busy = false;
  /** @type {any} */
  onmessage = null;
  /** @type {any} */
  onclose = null;

  constructor(gateway, url) {
    this.gateway = gateway;
    this.url = url;
  }

  say(frame) {
    if (this.readyState === 1 && !this.silent) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  greet() {
    this.readyState = 1;
    this.say({ event: "hello", data: { connectionId: "k", heartbeatMs: 10_000, user: null, banner: null } });
  }

  send(text) {
    const { id, event, data } = JSON.parse(text);
    if (this.busy) return;
    queueMicrotask(() => this.#answer(id, event, data));
  }

  #answer(id, event, data) {
    const { gateway } = this;
    if (event !== "project:join") return this.say({ id, event: "ack", data: {} });
    gateway.joins.push(data);
    if (data.since < gateway.trimmedBefore) return this.say({ id, event: "error", data: { code: "history-trimmed" } });
    this.joined = true;
    this.say({ id, event: "ack", data: { projectId: data.projectId, seq: gateway.log.length, presence: [] } });
    for (const envelope of gateway.log.slice(data.since ?? gateway.log.length)) this.say(envelope);
  }

  close() {
    this.readyState = 3;
    this.joined = false;
    this.gateway.sockets = this.gateway.sockets.filter((one) => one !== this);
  }

  end(code, reason = "") {
    const { onclose } = this;
    this.close();
    onclose?.({ code, reason });
  }
}
