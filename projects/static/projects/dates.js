/** Days and moments in words. A due date is a calendar day where its reader is. Pure: today and now are handed in. */

const DAY_MS = 86_400_000;
const SOON_DAYS = 2;
/** Making one costs more than using it a hundred times. */
const DAY_AND_MONTH = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });
const WITH_YEAR = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/**
 * @param {string} dueOn  "2026-11-24"
 * @param {string} today  the same
 * @returns {{state: "overdue" | "soon" | "later", text: string}}
 */
export function dueIn(dueOn, today) {
  const days = Math.round((Date.parse(dueOn) - Date.parse(today)) / DAY_MS);
  if (days < 0) return { state: "overdue", text: `Overdue, ${shortDay(dueOn, today)}` };
  if (days === 0) return { state: "soon", text: "Due today" };
  if (days === 1) return { state: "soon", text: "Due tomorrow" };
  const state = days <= SOON_DAYS ? "soon" : "later";
  return { state, text: `Due ${shortDay(dueOn, today)}` };
}

/**
 * @param {string} day
 * @param {string} today
 */
function shortDay(day, today) {
  const format = day.slice(0, 4) === today.slice(0, 4) ? DAY_AND_MONTH : WITH_YEAR;
  return format.format(new Date(`${day}T00:00:00Z`));
}

/**
 * The calendar day, where the reader is.
 * @param {Date} moment
 */
export function dayOf(moment) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}

/**
 * @param {string} at   RFC 3339
 * @param {number} now  milliseconds
 */
export function ago(at, now) {
  const minutes = Math.floor((now - Date.parse(at)) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(at).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}
