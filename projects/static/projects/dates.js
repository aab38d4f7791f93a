/**
 * Days, moments and numbers, as their reader writes them, in English sentences. A due date is a calendar day
 * where its reader is. Pure: today and now are handed in, and `useLanguages` says who reads.
 */

import { isolated } from "./isolated.js";

const DAY_MS = 86_400_000;
const SOON_DAYS = 2;

/** Making a format costs more than using it a hundred times. */
let formats = formatsFor(["en"]);

/** @param {readonly string[]} languages  of the reader, the first that is known counts */
function formatsFor(languages) {
  const known = languages.filter((language) => isKnown(language));
  const day = (/** @type {Intl.DateTimeFormatOptions} */ options) =>
    new Intl.DateTimeFormat(known, { day: "numeric", month: "short", ...options });
  return {
    day: day({ timeZone: "UTC" }),
    dayAndYear: day({ year: "numeric", timeZone: "UTC" }),
    localDay: day({ year: "numeric" }),
    moment: new Intl.DateTimeFormat(known, { dateStyle: "full", timeStyle: "short" }),
    number: new Intl.NumberFormat(known),
  };
}

/** A browser may name what is no language, as "C". @param {string} language */
function isKnown(language) {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(language).length > 0;
  } catch {
    return false;
  }
}

/** @param {readonly string[]} languages  as `navigator.languages` */
export function useLanguages(languages) {
  formats = formatsFor(languages);
}

/** @param {number} value */
export function numberText(value) {
  return formats.number.format(value);
}

/**
 * @param {string} dueOn  "2026-11-24"
 * @param {string} today  the same
 * @param {boolean} [done]  it is finished, and never overdue
 * @returns {{state: "overdue" | "soon" | "later" | "done", text: string}}
 */
export function dueIn(dueOn, today, done = false) {
  const days = Math.round((Date.parse(dueOn) - Date.parse(today)) / DAY_MS);
  if (done) return { state: "done", text: `Due ${shortDay(dueOn, today)}` };
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
  return day.slice(0, 4) === today.slice(0, 4) ? dayText(day, formats.day) : dayText(day);
}

/**
 * @param {string} day  "2026-11-24"
 * @param {Intl.DateTimeFormat} [format]
 */
export function dayText(day, format = formats.dayAndYear) {
  return isolated(format.format(new Date(`${day}T00:00:00Z`)));
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
  if (minutes < 60) return `${numberText(minutes)} min ago`;
  if (minutes < 24 * 60) return `${numberText(Math.floor(minutes / 60))} h ago`;
  return isolated(formats.localDay.format(new Date(at)));
}

/** The whole of it, where the reader is. @param {string} at  RFC 3339 */
export function momentText(at) {
  return formats.moment.format(new Date(at));
}
