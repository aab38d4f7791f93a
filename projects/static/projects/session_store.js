/** What still waits to be sent outlives a reload of the tab, for the same board and person. */

/** @typedef {import("./pending.js").Operation} Operation */

/**
 * @param {string} projectId
 * @param {string} userId
 */
export function sessionStore(projectId, userId) {
  const name = `devmentor.pending.${projectId}.${userId}`;
  return {
    /** Whether what waits would outlive a reload. */
    safe: true,
    /** @returns {Operation[]} */
    load() {
      try {
        const kept = JSON.parse(sessionStorage.getItem(name) ?? "[]");
        return Array.isArray(kept) ? kept.filter((one) => typeof one?.key === "string" && typeof one.kind === "string") : [];
      } catch {
        return []; // storage may be forbidden or hold nonsense: the board works without it
      }
    },
    /** @param {Operation[]} operations */
    save(operations) {
      try {
        if (operations.length) sessionStorage.setItem(name, JSON.stringify(operations));
        else sessionStorage.removeItem(name);
        this.safe = true;
      } catch {
        this.safe = operations.length === 0; // full or forbidden: leaving the page then asks first
      }
    },
  };
}
