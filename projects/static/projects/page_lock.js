/** A lock that one page of this browser holds at a time, by name. */

/** No request takes that long: a page that still holds the lock then has been frozen by the browser. */
const MOST_MS = 120_000;

/**
 * @param {string} name
 * @returns {(run: () => Promise<boolean>) => Promise<boolean>}  runs it while no other page does; false where
 *   that page was taken for frozen
 */
export function pageLock(name) {
  const { locks } = navigator; // not without HTTPS
  if (!locks) return (run) => run();
  return async (run) => {
    try {
      return await locks.request(name, { signal: AbortSignal.timeout(MOST_MS) }, run);
    } catch (error) {
      const waitedInVain = error instanceof DOMException && error.name === "TimeoutError";
      return waitedInVain ? locks.request(name, { steal: true }, run) : false;
    }
  };
}
