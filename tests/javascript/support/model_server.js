/** A server in miniature: commands in, events out, with the positions and rules of the real one. */

const GAP = 8; // small, so that re-spacing happens in a few moves
const SHOWN = 2000; // characters of a description in a snapshot

export class ModelServer {
  seq = 0;
  log = [];
  project = { id: "p", name: "Board", public: false };
  members = [];
  columns = [];
  tasks = [];
  comments = [];
  #ids = 0;

  snapshot() {
    const columns = [...this.columns].sort(inOrder);
    const counts = {};
    for (const { taskId } of this.comments) counts[taskId] = (counts[taskId] ?? 0) + 1;
    const tasks = columns.flatMap(({ id }) => this.#in(id)).map(shown);
    return structuredClone({ seq: this.seq, project: this.project, members: this.members, people: [], columns, tasks, commentCounts: counts });
  }

  id(prefix) {
    return `${prefix}${String(++this.#ids).padStart(4, "0")}`;
  }

  #in(column) {
    return this.tasks.filter((task) => task.column === column).sort(inOrder);
  }

  #emit(event, data, mutationId = null) {
    const envelope = structuredClone({ event, projectId: "p", seq: ++this.seq, mutationId, actor: null, data });
    this.log.push(envelope);
    return envelope;
  }

  /** A position below `after` among the siblings, re-spacing them where the gap is used up. */
  /** @returns {{position: number, respaced?: Record<string, number>}} */
  #place(siblings, after, id) {
    const index = after === null ? 0 : 1 + siblings.findIndex((one) => one.id === after);
    const at = after !== null && index === 0 ? siblings.length : index;
    const above = siblings[at - 1]?.position;
    const below = siblings[at]?.position;
    if (above === undefined) return { position: below === undefined ? 0 : below - GAP };
    if (below === undefined) return { position: above + GAP };
    const middle = Math.floor((above + below) / 2);
    if (above < middle && middle < below) return { position: middle };
    return this.#respace(siblings, at, id);
  }

  #respace(siblings, at, id) {
    const ids = siblings.map((one) => one.id);
    ids.splice(at, 0, id);
    const respaced = Object.fromEntries(ids.map((one, index) => [one, index * GAP]));
    for (const one of siblings) one.position = respaced[one.id];
    return { position: respaced[id], respaced };
  }

  columnCreate({ name, id = this.id("c") }, mutationId) {
    const { position, respaced } = this.#place([...this.columns].sort(inOrder), this.columns.length ? "gone" : null, id);
    const row = { id, name, position };
    this.columns.push(row);
    this.#emit("column:created", { ...row, ...(respaced && { respaced }) }, mutationId);
    return row;
  }

  columnRename({ column, name }, mutationId) {
    const row = this.columns.find((one) => one.id === column);
    if (!row || row.name === name) return row;
    row.name = name;
    this.#emit("column:updated", row, mutationId);
    return row;
  }

  columnMove({ column, after }, mutationId) {
    const row = this.columns.find((one) => one.id === column);
    if (!row) return undefined;
    const others = this.columns.filter((one) => one !== row).sort(inOrder);
    const { position, respaced } = this.#place(others, after, row.id);
    row.position = position;
    this.#emit("column:moved", { ...row, from: {}, to: {}, ...(respaced && { respaced }) }, mutationId);
    return row;
  }

  columnDelete({ column, moveTo }, mutationId) {
    const row = this.columns.find((one) => one.id === column);
    const moving = this.#in(column);
    const target = this.columns.find((one) => one.id === moveTo && one.id !== column);
    if (!row || (moving.length && !target)) return undefined;
    const last = target ? (this.#in(target.id).at(-1)?.position ?? -GAP) : 0;
    const positions = Object.fromEntries(moving.map((task, index) => [task.id, last + GAP * (index + 1)]));
    for (const task of moving) Object.assign(task, { column: target.id, position: positions[task.id] });
    this.columns = this.columns.filter((one) => one !== row);
    this.#emit("column:deleted", { id: column, movedTo: target?.id ?? null, positions }, mutationId);
    return {};
  }

  taskCreate({ column, after, title = "", id = this.id("t"), description = "", labels = [] }, mutationId) {
    if (!this.columns.some((one) => one.id === column)) return undefined;
    const { position, respaced } = this.#place(this.#in(column), after, id);
    const task = { id, projectId: "p", title, description, column, position, assignee: null, labels, dueOn: null, version: 1 };
    this.tasks.push(task);
    this.#emit("task:created", { ...task, ...(respaced && { respaced }) }, mutationId);
    return { ...task };
  }

  taskUpdate({ task, changes }, mutationId) {
    const row = this.tasks.find((one) => one.id === task);
    if (!row) return undefined;
    if (Object.entries(changes).every(([name, value]) => JSON.stringify(row[name]) === JSON.stringify(value))) return { ...row };
    Object.assign(row, changes, { version: row.version + 1 });
    this.#emit("task:updated", row, mutationId);
    return { ...row };
  }

  taskMove({ task, column, after }, mutationId) {
    const row = this.tasks.find((one) => one.id === task);
    if (!row || !this.columns.some((one) => one.id === column)) return undefined;
    if (this.#stays(row, column, after)) return { ...row };
    const others = this.#in(column).filter((one) => one !== row);
    const { position, respaced } = this.#place(others, after, row.id);
    Object.assign(row, { column, position, version: row.version + 1 });
    this.#emit("task:moved", { ...row, from: {}, to: {}, ...(respaced && { respaced }) }, mutationId);
    return { ...row };
  }

  /** Whether a task is already where it is to go, below `after`: then nothing happens. */
  #stays(row, column, after) {
    const list = this.#in(column);
    const at = list.indexOf(row);
    if (at < 0) return false;
    const above = after === null || list.some((one) => one.id === after && one !== row) ? after : (list.filter((one) => one !== row).at(-1)?.id ?? null);
    return (list[at - 1]?.id ?? null) === above;
  }

  taskDelete({ task }, mutationId) {
    if (!this.tasks.some((one) => one.id === task)) return undefined;
    this.tasks = this.tasks.filter((one) => one.id !== task);
    this.comments = this.comments.filter((one) => one.taskId !== task);
    this.#emit("task:deleted", { id: task }, mutationId);
    return {};
  }

  commentCreate({ task, id = this.id("k"), text = "…" }, mutationId) {
    if (!this.tasks.some((one) => one.id === task)) return undefined;
    const comment = { id, taskId: task, author: {}, text, createdAt: "", updatedAt: "" };
    this.comments.push(comment);
    this.#emit("comment:created", comment, mutationId);
    return { ...comment };
  }

  commentUpdate({ comment, text }, mutationId) {
    const row = this.comments.find((one) => one.id === comment);
    if (!row || row.text === text) return row && { ...row };
    row.text = text;
    this.#emit("comment:updated", row, mutationId);
    return { ...row };
  }

  commentDelete({ comment }, mutationId) {
    const row = this.comments.find((one) => one.id === comment);
    if (!row) return undefined;
    this.comments = this.comments.filter((one) => one !== row);
    this.#emit("comment:deleted", row, mutationId);
    return {};
  }

  memberAdd({ name }) {
    const member = { id: this.id("m"), user: { id: this.id("u"), name, username: name }, role: "viewer" };
    this.members.push(member);
    this.#emit("member:added", member);
  }

  memberUpdate({ member, role }) {
    const row = this.members.find((one) => one.id === member);
    if (row) this.#emit("member:updated", Object.assign(row, { role }));
  }

  memberRemove({ member }) {
    const row = this.members.find((one) => one.id === member);
    this.members = this.members.filter((one) => one !== row);
    if (row) this.#emit("member:removed", row);
  }

  projectUpdate({ name }) {
    this.project = { ...this.project, name };
    this.#emit("project:updated", this.project);
  }

  somethingElse() {
    this.#emit("ai:suggested", { text: "an event of another service" });
  }
}

function shown(task) {
  const description = [...task.description];
  return description.length > SHOWN ? { ...task, description: description.slice(0, SHOWN).join(""), descriptionCut: true } : task;
}

function inOrder(a, b) {
  return a.position - b.position || (a.id < b.id ? -1 : 1);
}
