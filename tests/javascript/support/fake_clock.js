/** Time that moves only when told to. */
export class FakeClock {
  time = 1_000_000;
  #timers = [];

  now() {
    return this.time;
  }

  after(delayMs, run) {
    const timer = { at: this.time + Math.max(0, delayMs), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Lets time pass; timers that come due run in order, and promises settle between them. */
  async pass(ms) {
    const end = this.time + ms;
    await settled();
    for (;;) {
      const next = this.#timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.time = Math.max(this.time, next.at);
      next.run();
      await settled();
    }
    this.time = end;
  }
}

/** Promises that are ready have run. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}
