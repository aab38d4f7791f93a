/**
 * Why the server did not take something, in a sentence for people: by the problem's code, and for bad input by the field.
 * The API's own sentences are for programs and those who write them; none of them is shown.
 *
 * @typedef {import("./api.js").Problem} Problem
 */

import { ApiError } from "./api.js";

/** @type {Record<string, string | ((problem: Problem) => string)>} */
const BY_CODE = {
  unreachable: "the server cannot be reached.",
  unauthenticated: "you are logged out.",
  "other-user": "somebody else is logged in.",
  forbidden: "you may not do this on this board.",
  "not-found": "it is no longer there, or you may no longer see it.",
  "version-conflict": "somebody else changed the same words meanwhile.",
  conflict: "the board has changed meanwhile.",
  "id-taken": "it was made before, with other content.",
  "limit-reached": limitReached,
  "rate-limited": "that was very much in a short time. Try again in a minute.",
  "already-member": "that person is a member already.",
  "last-owner": "a board needs an owner. Make somebody else one first, and let them do something as an owner.",
  "column-not-empty": "it has cards by now. Say where they go.",
  "no-columns": "the board has no column yet.",
  "too-large": "it is too large.",
  unavailable: "the server has too much to do at the moment. Try again in a minute.",
};

/** @type {Record<string, string>} */
const BY_FIELD = {
  title: "a title needs something that can be seen, 200 characters at the most, and no control characters.",
  description: "a description has 20,000 characters at the most, and no control characters.",
  text: "a comment needs something that can be seen, 10,000 characters at the most, and no control characters.",
  name: "a name needs something that can be seen, 120 characters at the most, and no control characters.",
  labels: "a card has 20 labels at the most, each different, of 40 characters at the most.",
  dueOn: "that is no day of the calendar that a card can be due on.",
  assignee: "that person is no longer a member.",
  column: "the column is no longer there.",
  moveTo: "the column that was to get its cards is no longer there.",
  username: "nobody here has that username.",
  role: "there is no such role.",
};

/** @type {Record<string, string>} what `limit` counts, as the API names it */
const COUNTED = { tasks: "cards", columns: "columns", labels: "different labels", members: "members", comments: "comments", characters: "characters", memberships: "boards of others" };

/** @param {Problem} problem */
export function reason(problem) {
  const { status, code, errors } = problem;
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : null;
  if (known) return typeof known === "string" ? known : known(problem);
  const field = Object.keys(errors ?? {}).find((name) => Object.hasOwn(BY_FIELD, name));
  if (field) return BY_FIELD[field];
  if (status === 404) return "it is no longer there, or you may no longer see it.";
  if (status === 403) return "you may not do this.";
  if (status >= 500) return "the server had an error. Nothing else was touched.";
  return "the server did not take it.";
}

/** @param {Problem} problem */
function limitReached({ limit, allowed }) {
  const counted = COUNTED[limit];
  const most = typeof allowed === "number" ? `${allowed.toLocaleString()} ` : "";
  if (limit === "memberships") return `that person is on ${most}boards of others already, which is the most.`;
  return counted ? `the board is full: ${most}${counted} are the most.` : "there is no more room.";
}

/**
 * @param {Promise<any>} request
 * @returns {Promise<string>}  why it was refused; "" where it was not
 */
export async function whyNot(request) {
  try {
    await request;
    return "";
  } catch (error) {
    return error instanceof ApiError ? reason(error.problem) : String(error);
  }
}
