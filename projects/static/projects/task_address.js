/**
 * Which task is open, in the address: `/projects/{id}` and `/projects/{id}/tasks/{taskId}`.
 */
export class TaskAddress {
  /**
   * @param {string} projectId
   * @param {(taskId: string | null) => void} onChange  by the browser's back and forward
   */
  constructor(projectId, onChange) {
    this.base = `/projects/${projectId}`;
    addEventListener("popstate", () => onChange(this.current));
  }

  get current() {
    const match = /\/tasks\/([^/]+)\/?$/.exec(location.pathname);
    return match ? decodeURIComponent(match[1]) : null;
  }

  /** @param {string} taskId */
  href(taskId) {
    return `${this.base}/tasks/${encodeURIComponent(taskId)}`;
  }

  /** @param {string} taskId */
  open(taskId) {
    if (this.current === taskId) return;
    const opened = this.current === null || history.state?.opened;
    history[this.current === null ? "pushState" : "replaceState"]({ opened }, "", this.href(taskId));
  }

  /** Back to where the board was; a sheet that was opened by its own address leaves the board in its place. */
  close() {
    if (this.current === null) return;
    if (history.state?.opened) history.back();
    else history.replaceState(null, "", this.base);
  }
}
