const LATEST_MS = 100;

/**
 * Runs once, before the browser's next picture; where none comes, as in a hidden tab, a moment later all the same.
 * @param {() => void} run
 */
export function beforeNextPicture(run) {
  const once = () => {
    cancelAnimationFrame(picture);
    clearTimeout(latest);
    run();
  };
  const picture = requestAnimationFrame(once);
  const latest = setTimeout(once, LATEST_MS);
}
