/**
 * One room's events, each once and in order, whoever brings them: socket and polls pour into the same feed.
 *
 * @typedef {import("./frames.js").LogEvent} LogEvent
 * @typedef {"applied" | "old" | "hole"} Verdict
 */
export class Feed {
  /**
   * @param {number | null} cursor  seq of the last event that the holder has; null takes whatever comes first
   * @param {(event: LogEvent) => void} sink
   */
  constructor(cursor, sink) {
    this.cursor = cursor;
    this.sink = sink;
  }

  /**
   * @param {LogEvent} event
   * @returns {Verdict}  "hole": earlier events are missing; ask for everything after the cursor
   */
  accept(event) {
    if (this.cursor !== null && event.seq <= this.cursor) return "old";
    if (this.cursor !== null && event.seq !== this.cursor + 1) return "hole";
    this.cursor = event.seq; // first: a sink that throws must not be handed the event again
    this.sink(event);
    return "applied";
  }

  /**
   * @param {LogEvent[]} events
   * @returns {Verdict}  "hole" as soon as one is missing; the rest is left for the next asking
   */
  acceptAll(events) {
    /** @type {Verdict} */
    let verdict = "old";
    for (const event of events) {
      const one = this.accept(event);
      if (one === "hole") return one;
      if (one === "applied") verdict = one;
    }
    return verdict;
  }

  /**
   * Where a room without history starts: a head that an answer names.
   * @param {number} seq
   */
  startAt(seq) {
    this.cursor ??= seq;
  }

  /** @param {number} head */
  isBehind(head) {
    return this.cursor !== null && head > this.cursor;
  }
}
