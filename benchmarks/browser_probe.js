/** In each page of `browser_board`, before anything else: looks on, once a frame, and takes times. */
"use strict";

(() => {
  const LONGEST_MS = 120_000;

  /** Once what the next frame shows has been painted: a message that is posted in a frame comes right after it. */
  const painted = () =>
    new Promise((resolve) => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now());
        port2.postMessage(null);
      });
    });

  /**
   * Looks once a frame; a timer says so where there are no frames, or it never comes to be.
   * @param {() => boolean} isSo
   * @param {string} what
   */
  const when = (isSo, what) =>
    new Promise((resolve, reject) => {
      const seen = () => `${what}: ${document.visibilityState}, ${cards.length} cards, ${badge()}`;
      const tooLate = setTimeout(() => reject(new Error(`waited in vain for ${seen()}`)), LONGEST_MS);
      const look = () => {
        if (!isSo()) return requestAnimationFrame(look);
        clearTimeout(tooLate);
        resolve(undefined);
      };
      look();
    });

  const cards = document.getElementsByClassName("card");
  const badge = () => document.querySelector("[data-testid=connection-badge]")?.getAttribute("data-mode");
  const isLive = () => badge() === "live";
  const shows = (task, title) => document.querySelector(`[data-task-id="${task}"] .card-title`)?.textContent === title;
  const boardShown = () =>
    [...document.querySelectorAll("[data-column-id]")].map((column) => [
      column.getAttribute("data-column-id"),
      [...column.querySelectorAll("[data-task-id]")].map((card) => [card.getAttribute("data-task-id"), card.querySelector(".card-title").textContent]),
    ]);

  const errors = [];
  addEventListener("error", (event) => errors.push(event.message));
  addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));

  // Looked for from the first frame on, so that a time is right whenever it is asked for.
  const firstCard = when(() => cards.length > 0, "a card").then(painted);
  const live = when(isLive, "Live").then(painted);

  window.probe = {
    /** Milliseconds since the navigation began. */
    async opened(tasks) {
      const all = when(() => cards.length >= tasks, `${tasks} cards`).then(painted);
      const times = { firstCard: await firstCard, cards: await all, live: await live };
      const [navigation] = performance.getEntriesByType("navigation");
      const [paint] = performance.getEntriesByName("first-contentful-paint");
      return {
        "first byte": navigation.responseStart,
        "last byte": navigation.responseEnd,
        "first paint": paint?.startTime,
        "scripts done": navigation.domContentLoadedEventEnd,
        "a card": times.firstCard,
        "all cards": times.cards,
        "Live": times.live,
        "both": Math.max(times.cards, times.live),
        "kB of HTML": navigation.decodedBodySize / 1000,
      };
    },

    /** Call it while still offline; then `caughtUp` holds when the task bore that title, since "online". */
    catchUp(task, title) {
      const online = new Promise((resolve) => addEventListener("online", () => resolve(performance.now()), { once: true, capture: true }));
      this.caughtUp = online.then(async (began) => {
        await when(() => shows(task, title), title);
        const shown = (await painted()) - began;
        await when(isLive, "Live");
        return { "end state": shown, "Live": performance.now() - began };
      });
    },

    shows: (task, title) => when(() => shows(task, title), title).then(painted),

    /** The board as it stands in the page, and as the server has it, ids and titles by column; and what went wrong. */
    async compare(project) {
      const board = await (await fetch(`/api/projects/${project}/board/`)).json();
      const inColumn = (id) => board.tasks.filter((task) => task.column === id).map((task) => [task.id, task.title]);
      return [boardShown(), board.columns.map(({ id }) => [id, inColumn(id)]), errors];
    },
  };
})();
