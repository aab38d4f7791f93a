import { ApiError } from "../../../projects/static/projects/api.js";
import { BoardModel } from "../../../projects/static/projects/board.js";
import { LogIn } from "../../../projects/static/projects/log_in.js";
import { QueueStore } from "../../../projects/static/projects/queue_store.js";
import { FakeApi } from "./fake_api.js";
import { FakeClock, settled } from "./fake_clock.js";
import { FakeBrowser } from "./fake_pages.js";
import { ModelServer } from "./model_server.js";

/**
 * One person's pages of one board, the network, and the server: real models over a network that delays, loses
 * and reorders, with time that moves only when told to.
 */
export class World {
  clock = new FakeClock();
  server = new ModelServer();
  api = new FakeApi(this.server);
  browser = new FakeBrowser((run) => void this.clock.after(this.#delay(20), run));
  cut = false;
  /**
   * What pages have told the person to be refused.
   * @type {import("../../../projects/static/projects/pending.js").Operation[]}
   */
  told = [];
  /** Keys in the order in which the person asked. @type {string[]} */
  asked = [];
  /** What the page showed when the person asked for something last. @type {any} */
  saw = null;
  /** Keys of what was not saved, and that the person sent again. @type {Set<string>} */
  again = new Set();
  /** @type {Tab | null} */
  looksAt = null;
  /** @type {Tab[]} */
  tabs = [];

  /**
   * @param {() => number} random
   * @param {number} losses  of how many requests are lost
   * @param {boolean} [locks]  whether the browser has locks
   */
  constructor(random, losses, locks = true) {
    this.random = random;
    this.locks = locks;
    this.losses = losses;
  }

  #delay(most) {
    return Math.floor(this.random() * most);
  }

  open() {
    const tab = new Tab(this);
    this.tabs.push(tab);
    return tab;
  }

  /** @param {Tab} tab */
  close(tab) {
    tab.page.close();
    this.tabs = this.tabs.filter((one) => one !== tab);
  }

  /**
   * The network, as `call` of api.js: a page that is closed hears nothing, and its request may arrive all the
   * same.
   */
  request = (page) => (path, options) =>
    new Promise((resolve, reject) => {
      const lost = this.cut || this.random() < this.losses;
      const arrives = !this.cut && (!lost || this.random() < 0.5);
      const answer = (give, value) => this.clock.after(this.#delay(300), () => page.closed || give(value));
      this.clock.after(this.#delay(300), () => {
        if (lost)
          this.clock.after(
            1000,
            () => page.closed || reject(new ApiError({ status: 0, code: "unreachable", detail: "" })),
          );
        if (!arrives) return;
        try {
          const found = this.api.request(path, options);
          if (!lost) answer(resolve, found);
        } catch (error) {
          if (!lost) answer(reject, error);
        }
      });
    });

  /** Until nothing waits, or nothing will come of it. */
  async settle() {
    for (let minute = 0; minute < 20; minute += 1) {
      await this.clock.pass(30_000);
      for (const tab of this.tabs) tab.catchUp();
      if (this.tabs.every((tab) => !tab.model.operations.length && !tab.model.options.store.waiting().length))
        return;
    }
  }
}

class Tab {
  waiting = 0;
  /** Comments that were written here. @type {{task: string, comment: string}[]} */
  comments = [];
  #listeners = {};
  /** The events on their way, which arrive in their order. */
  #heard;

  /** @param {World} world */
  constructor(world) {
    this.world = world;
    this.page = world.browser.open();
    const snapshot = world.server.snapshot();
    this.#heard = snapshot.seq;
    /** @type {any} */
    const feed = {
      on: (name, run) => (this.#listeners[name] = run),
      joinProject: () => undefined,
      restartAt: () => undefined,
      renew: () => undefined,
      reportWaiting: (count) => (this.waiting = count),
    };
    this.logIn = new LogIn({ id: "me", name: "Me" }, async () => world.api.me);
    const explained = async (error) => Promise.reject(await this.logIn.explain(error));
    const request = (path, options) => world.request(this.page)(path, options).catch(explained);
    const later = (delayMs, run) => void world.clock.after(delayMs, () => this.page.closed || run());
    this.model = new BoardModel({
      snapshot,
      feed,
      userId: "me",
      store: new QueueStore("p", "me", this.page.storage, this.page.events),
      lock: world.locks ? this.page.lock : (run) => run(),
      request: /** @type {any} */ (request),
      isOurs: () => this.logIn.isOurs,
      soon: (run) => later(16, run),
      later,
      random: world.random,
    });
    this.model.listen({
      refused: (operation, _, dependents) => void world.told.push(operation, ...dependents),
    });
    this.#note();
    this.model.start();
  }

  /** Whatever is asked for, here or by sending something again. */
  #note() {
    const ask = this.model.ask.bind(this.model);
    this.model.ask = (kind, fields) => {
      const operation = ask(kind, fields);
      this.world.asked.push(operation.key);
      return operation;
    };
  }

  /** What the connection says of the room. */
  say(name) {
    this.#listeners[name]({ room: "p" });
  }

  /** One more of the events that the page has not heard yet. */
  hearNext() {
    const event = this.world.server.log[this.#heard];
    if (!event || this.world.cut) return;
    this.#heard += 1;
    this.model.apply(event);
  }

  catchUp() {
    while (this.#heard < this.world.server.log.length && !this.world.cut) this.hearNext();
  }
}

export { settled };
