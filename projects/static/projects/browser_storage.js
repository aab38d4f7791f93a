/** What the browser keeps for its pages: items of text by name, which anything may have written. */

/** Storage, where the browser has it and lets this page use it. */
export function browserStorage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/**
 * The names that begin like that.
 * @param {Storage | null} storage
 * @param {string} prefix
 */
export function namesIn(storage, prefix) {
  const names = Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? "");
  return names.filter((name) => name.startsWith(prefix));
}

/**
 * @param {string | null | undefined} text
 * @returns {any}  null where it is no JSON
 */
export function parsed(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
