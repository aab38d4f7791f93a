import { Directory, STALE_MS } from "./directory.js";
import { Emitter } from "./emitter.js";
import { factsOf } from "./facts.js";
import { isLogEvent } from "./frames.js";
import { Line } from "./line.js";
import { log } from "./log.js";
import { Room } from "./room.js";
import { GRACE_MS, initialStatus, nextStatus } from "./status.js";

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./status.js").Mode} Mode */

/**
 * @typedef {object} ConnectionStatus
 * @property {Mode} mode
 * @property {boolean} connected
 * @property {"websocket" | "polling" | null} transport
 * @property {string[]} rooms
 * @property {number | null} lastSeq  of the room joined last
 * @property {number | null} latencyMs
 * @property {number} reconnectAttempts
 */

/**
 * @typedef {object} ServiceOptions
 * @property {import("./room.js").RoomKind} kind
 * @property {string} directoryAddress  of `GET /api/realtime/`
 * @property {import("./clock.js").Clock} clock
 * @property {() => number} random
 * @property {typeof fetch} fetch
 * @property {import("./frame_socket.js").OpenSocket} open
 * @property {string} ownSocket  the socket of the page's own origin
 */

/**
 * The page's one connection. Emits every log event under its own name and under "*"; volatile frames under their
 * names; and "status", "joined", "trimmed", "gone", "refused", "unauthenticated", "banner" of its own.
 */
export class WebsocketService {
  #emitter = new Emitter();
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  /** Cursors of rooms that were left: joining again goes on from there. @type {Map<string, number>} */
  #cursors = new Map();
  #started = false;
  #waiting = 0;
  /** @type {(() => void) | null} */
  #cancelTick = null;
  /** @type {(() => void) | null} */
  #cancelWatch = null;
  #lastBanner = "";
  /** @type {import("./status.js").Shown} */
  #shown;

  /** @param {ServiceOptions} options */
  constructor(options) {
    this.options = options;
    this.#shown = initialStatus(options.clock.now());
    this.directory = new Directory({ address: options.directoryAddress, clock: options.clock, fetch: options.fetch });
    this.line = new Line({
      ...options,
      directory: this.directory,
      onOpen: (hello) => this.#opened(hello),
      onFrame: (frame) => this.#frame(frame),
      onDown: (next) => this.#down(next),
      onChange: () => this.#refresh(),
    });
  }

  connect() {
    if (this.#started) return;
    this.#started = true;
    this.line.start();
    for (const room of this.#rooms.values()) room.follow();
    this.#tick();
    this.#watch();
  }

  disconnect() {
    this.#started = false;
    this.line.stop();
    this.#cancelTick?.();
    this.#cancelWatch?.();
    for (const room of this.#rooms.values()) room.pause();
    this.#shown = { mode: "offline", since: this.options.clock.now(), wavering: null };
    this.#refresh();
  }

  /**
   * @param {string} id
   * @param {number} [since]  seq of the state that the caller holds; what came after it follows as events
   */
  joinProject(id, since) {
    this.leaveProject(id);
    const cursor = since ?? this.#cursors.get(id) ?? null;
    const room = new Room(id, cursor, {
      ...this.options,
      line: this.line,
      onEvent: (event) => this.#deliver(event),
      onNews: (name, detail) => this.#emitter.emit(name, { room: id, detail }),
      onChange: () => this.#refresh(),
    });
    this.#rooms.set(id, room);
    if (this.#started) room.follow();
  }

  /** @param {string} id */
  leaveProject(id) {
    const room = this.#rooms.get(id);
    if (!room) return;
    room.leave();
    this.#rooms.delete(id);
    if (room.feed.cursor !== null) this.#cursors.set(id, room.feed.cursor);
    this.#refresh();
  }

  /**
   * Goes on from a board that was loaded afresh.
   * @param {string} id
   * @param {number} seq
   */
  restartAt(id, seq) {
    this.#rooms.get(id)?.restartAt(seq);
  }

  /** @returns {ConnectionStatus} */
  getConnectionStatus() {
    const mode = this.#shown.mode;
    const rooms = [...this.#rooms.values()];
    return {
      mode,
      connected: this.line.isOpen,
      transport: this.line.isOpen ? "websocket" : mode === "polling" ? "polling" : null,
      rooms: rooms.filter((room) => room.joined || room.poll === "ok").map((room) => room.id),
      lastSeq: rooms.at(-1)?.feed.cursor ?? null,
      latencyMs: this.line.latencyMs,
      reconnectAttempts: mode === "live" ? 0 : this.line.attempts,
    };
  }

  /** What the badge's details say beyond the status. */
  getDetails() {
    const { why, nextTryAt, lastClose, hello } = this.line;
    return { waiting: this.#waiting, since: this.#shown.since, why, nextTryAt, lastClose, connectionId: hello?.connectionId ?? null };
  }

  /**
   * @param {string} event
   * @param {(data: any) => void} listener
   */
  on(event, listener) {
    this.#emitter.on(event, listener);
  }

  /**
   * @param {string} event
   * @param {(data: any) => void} [listener]
   */
  off(event, listener) {
    this.#emitter.off(event, listener);
  }

  /**
   * Volatile: who does not hear it now never will. @param {string} id @param {unknown} state
   */
  sendPresence(id, state) {
    if (!this.#rooms.get(id)?.joined) return;
    this.line.request("presence:update", { [this.options.kind.idKey]: id, state }).catch(() => undefined);
  }

  /** Tries everything at once: the page came back, the network did, or somebody asked. */
  async retryNow() {
    if (!this.#started) return;
    if (this.line.isOpen) await this.line.probe();
    else this.line.retryNow();
    for (const room of this.#rooms.values()) {
      if (room.poller.running) room.poller.poke();
      else if (!room.joined) room.follow(true);
    }
  }

  /** Connects anew, as whoever is logged in by now. */
  renew() {
    if (this.line.isOpen) this.line.recycle();
    for (const room of this.#rooms.values()) room.poller.poke();
  }

  /** The browser says that the network is gone. An open socket is believed only if the server answers elsewhere too. */
  async suspectNetwork() {
    if (!this.#started) return;
    for (const room of this.#rooms.values()) room.poller.poke();
    if ((await this.directory.read()) === null && this.line.isOpen) this.line.recycle();
  }

  /**
   * How many changes the page still holds back; the badge shows it while offline.
   * @param {number} count
   */
  reportWaiting(count) {
    if (count === this.#waiting) return;
    this.#waiting = count;
    this.#refresh();
  }

  /** @param {any} hello */
  #opened(hello) {
    this.#announceBanner(hello.banner);
    this.#emitter.emit("hello", hello);
    for (const room of this.#rooms.values()) room.follow();
  }

  /** @param {import("./closing.js").Next | null} next */
  #down(next) {
    if (!next) return;
    for (const room of this.#rooms.values()) room.lineDown(next.poll ?? false);
    if (next.logIn) this.#emitter.emit("unauthenticated", {});
    this.#refresh();
  }

  /** @param {Frame} frame */
  #frame(frame) {
    if (isLogEvent(frame)) this.#rooms.get(frame[this.options.kind.idKey])?.receive(frame);
    else if (frame.event === "heartbeat") this.#heartbeat(frame.data ?? {});
    else if (frame.event === "system:banner") this.#announceBanner(frame.data?.banner ?? frame.data?.text);
    else this.#emitter.emit(frame.event, frame.data);
  }

  /** @param {{rooms?: Record<string, number>}} data */
  #heartbeat({ rooms = {} }) {
    for (const room of this.#rooms.values()) room.hearHead(rooms[room.id]);
    this.#emitter.emit("heartbeat", rooms);
  }

  /** @param {import("./frames.js").LogEvent} event */
  #deliver(event) {
    log("event", event.event, event.seq);
    this.#emitter.emit("*", event);
    this.#emitter.emit(event.event, event);
  }

  /** @param {any} banner */
  #announceBanner(banner) {
    const text = (typeof banner === "string" ? banner : banner?.text) ?? "";
    if (text === this.#lastBanner) return;
    this.#lastBanner = text;
    this.#emitter.emit("banner", text);
  }

  #refresh() {
    const before = this.#shown;
    if (this.#started) this.#shown = nextStatus(before, factsOf(this.line, this.directory, [...this.#rooms.values()]), this.options.clock.now());
    if (before.wavering === null && this.#shown.wavering !== null) this.options.clock.after(GRACE_MS, () => this.#refresh());
    if (before.mode === "offline" && this.#shown.mode === "polling") this.line.retryNow(); // the server is back
    if (before.mode !== this.#shown.mode) log("status", this.#shown.mode);
    this.#emitter.emit("status", this.getConnectionStatus());
  }

  /** Each second: time alone can change the word, and a silent socket is asked for a sign of life. */
  #tick() {
    this.#cancelTick = this.options.clock.after(1000, () => {
      if (this.line.isOpen && !this.line.isFresh(this.options.clock.now())) void this.line.probe();
      this.#refresh();
      this.#tick();
    });
  }

  /** While no socket is up, the directory is read often enough to be Live soon after real-time comes back. */
  #watch() {
    this.#cancelWatch = this.options.clock.after(STALE_MS, async () => {
      this.#watch();
      if (this.line.isOpen) return void this.line.probe();
      const before = this.directory.known?.realtime;
      const transports = await this.directory.read();
      if (transports) this.#announceBanner(transports.banner);
      if (transports?.realtime && before === false) this.line.retryNow();
    });
  }
}
