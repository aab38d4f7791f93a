/** Pages of one browser: their common storage, what it tells the other pages, and locks. */

export class FakeBrowser {
  #items = new Map();
  /** @type {FakePage[]} */
  pages = [];
  /** Who holds the lock, and who waits for it. @type {{page: FakePage, run: () => void}[]} */
  queue = [];
  full = false;

  /** @param {(run: () => void) => void} later  when pages hear of each other */
  constructor(later = queueMicrotask) {
    this.later = later;
  }

  open() {
    const page = new FakePage(this, this.#items);
    this.pages.push(page);
    return page;
  }

  /** What a page wrote, told to the others. */
  tell(from, key, newValue) {
    for (const page of this.pages) {
      if (page === from) continue;
      page.mail.push([key, newValue]);
      this.later(() => page.hear(...page.mail.shift())); // in the order in which it was written
    }
  }

  serve() {
    this.queue[0]?.run();
  }
}

export class FakePage {
  closed = false;
  /** What other pages wrote, on its way. */
  mail = [];
  events = new EventTarget();

  constructor(browser, items) {
    this.browser = browser;
    const write = (key, value) => {
      if (value === null) items.delete(key);
      else items.set(key, value);
      browser.tell(this, key, value);
    };
    /** @type {any} */
    this.storage = {
      get length() {
        return items.size;
      },
      key: (index) => [...items.keys()][index] ?? null,
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => {
        if (browser.full) throw new DOMException("full", "QuotaExceededError");
        if (!this.closed) write(key, value);
      },
      removeItem: (key) => !this.closed && items.has(key) && write(key, null),
    };
  }

  hear(key, newValue) {
    if (!this.closed)
      this.events.dispatchEvent(
        Object.assign(new Event("storage"), { key, newValue, storageArea: this.storage }),
      );
  }

  /** As `navigator.locks` does: whoever holds the lock of a page that closes is followed by the next. */
  lock = (run) =>
    new Promise((resolve) => {
      const { browser } = this;
      const entry = {
        page: this,
        run: async () => {
          entry.run = () => undefined;
          const answer = await run();
          if (this.closed) return;
          browser.queue = browser.queue.filter((one) => one !== entry);
          resolve(answer);
          browser.serve();
        },
      };
      if (this.closed) return;
      browser.queue.push(entry);
      if (browser.queue[0] === entry) browser.serve();
    });

  close() {
    this.closed = true;
    const { browser } = this;
    browser.pages = browser.pages.filter((page) => page !== this);
    browser.queue = browser.queue.filter(({ page }) => page !== this);
    browser.serve();
  }
}
