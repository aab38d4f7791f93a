/**
 * What the status is decided on, gathered from the parts of the connection.
 *
 * @typedef {import("./status.js").Facts} Facts
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./directory.js").Directory} Directory
 * @typedef {import("./room.js").Room} Room
 */

/**
 * @param {Line} line
 * @param {Directory} directory
 * @param {Room[]} rooms
 * @returns {Facts}
 */
export function factsOf(line, directory, rooms) {
  const wanted = rooms.filter((room) => !room.gone);
  return {
    joined: line.isOpen && wanted.every((room) => room.joined),
    lastFrameAt: line.lastFrameAt,
    heartbeatMs: line.heartbeatMs,
    poll: wanted.length ? pollOf(wanted) : reachOf(line, directory),
    switchedOff: line.switchedOff,
  };
}

/**
 * @param {Room[]} rooms
 * @returns {Facts["poll"]}
 */
function pollOf(rooms) {
  const polls = rooms.map((room) => room.poll);
  if (polls.includes("failed")) return "failed";
  return polls.includes("ok") ? "ok" : "none";
}

/**
 * A page without a room polls nothing; there the directory's own reading shows whether polling would work.
 * @param {Line} line
 * @param {Directory} directory
 * @returns {Facts["poll"]}
 */
function reachOf(line, directory) {
  const isFirstAttempt = line.state === "connecting" && line.attempts === 0;
  if (isFirstAttempt || directory.reachable === null) return "none";
  return directory.reachable ? "ok" : "failed";
}
