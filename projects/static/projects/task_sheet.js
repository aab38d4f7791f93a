import { CommentsView } from "./comments_view.js";
import { ago } from "./dates.js";
import { DescriptionLoader } from "./description_loader.js";
import { cutDescription } from "./descriptions.js";
import { confirmDanger } from "./dialog.js";
import { h, icon, setAttribute, setText } from "./dom.js";
import { findTask } from "./pending.js";
import { buildFields, grow } from "./sheet_fields.js";
import { same } from "./three_way.js";
import { toast } from "./toasts.js";
import { clip } from "./words.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./pending.js").TaskView} TaskView */

/** One task beside the board, or instead of it on a phone; every field is edited where it stands. */
export class TaskSheet {
  /** @type {string | null} */
  taskId = null;
  /** Who changed what last, by task and field, for the sentence about a conflict. @type {Map<string, string>} */
  #lastActors = new Map();
  #column = h("select", { class: "input", id: "sheet-column" });
  #state = h("span", { class: "quiet-text sheet-state", role: "status" });
  #gone = h("p", { class: "conflict", role: "alert", hidden: true });
  #dates = h("p", { class: "quiet-text" });

  /**
   * @param {BoardModel} model
   * @param {{close: () => void}} deeds
   */
  constructor(model, deeds) {
    this.model = model;
    const { fields, inputs } = buildFields(model, (name, value, base) => this.#save(name, value, base));
    this.fields = fields;
    this.inputs = inputs;
    this.comments = new CommentsView(model);
    this.descriptions = new DescriptionLoader(model);
    this.deeds = deeds;
    this.element = h("section", { class: "sheet", id: "sheet", role: "dialog", "aria-label": "Task", tabindex: -1, hidden: true });
    this.element.append(this.#head(), this.#body());
    this.#column.addEventListener("change", () => this.#move(this.#column.value));
    addEventListener("resize", () => this.#grow());
    model.listen({
      changed: () => this.draw(),
      event: (event, before) => this.#remember(event, before.task),
    });
  }

  #head() {
    this.deleteButton = h("button", { type: "button", class: "icon-button", "aria-label": "Delete task", onclick: () => void this.#delete() }, icon("trash"));
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close task", onclick: () => this.deeds.close() }, icon("close"));
    return h("div", { class: "sheet-head" }, this.#state, h("span", { class: "spring" }), this.deleteButton, close);
  }

  #body() {
    const { fields, inputs } = this;
    const row = (/** @type {string} */ text, /** @type {HTMLElement} */ input, /** @type {HTMLElement | null} */ note) =>
      h("div", { class: "sheet-row" }, h("label", { class: "sheet-label", for: input.id }, text), h("div", {}, input, note));
    const labelsRow = h("div", { class: "sheet-row" }, h("span", { class: "sheet-label" }, "Labels"), h("div", {}, inputs.labels.element, fields.labels.note));
    return h("div", { class: "sheet-body" }, this.#gone, inputs.title, fields.title.note,
      h("div", { class: "sheet-rows" },
        row("Column", this.#column, null),
        row("Assignee", inputs.assignee, fields.assignee.note),
        row("Due", inputs.dueOn, fields.dueOn.note),
        labelsRow),
      h("label", { class: "sheet-heading", for: "sheet-description" }, "Description"), inputs.description, this.descriptions.note, fields.description.note,
      this.#dates, this.comments.element);
  }

  /** @param {string} taskId */
  open(taskId) {
    if (this.taskId === taskId) return;
    if (this.taskId) this.commit();
    const found = findTask(this.model.view, taskId);
    if (!found) return;
    this.taskId = taskId;
    this.#gone.hidden = true;
    this.element.hidden = false;
    this.#drawOptions(found.task);
    for (const field of Object.values(this.fields)) field.reset(found.task[/** @type {keyof TaskView} */ (field.name)]);
    if (found.task.descriptionCut) this.fields.description.withhold(found.task.description);
    this.comments.show(taskId);
    this.draw();
    this.element.scrollTop = 0;
    this.element.focus({ preventScroll: true });
  }

  close() {
    if (!this.taskId) return;
    this.commit();
    this.taskId = null;
    this.element.hidden = true;
    this.descriptions.stop();
    this.comments.show(null);
  }

  /** Whether leaving now would lose words. */
  get isDirty() {
    return this.taskId !== null && (this.comments.isDirty || Object.values(this.fields).some((field) => field.isDirty));
  }

  /** Saves whatever was typed and not yet saved. */
  commit() {
    for (const field of Object.values(this.fields)) field.commit();
  }

  draw() {
    if (!this.taskId) return;
    const found = findTask(this.model.view, this.taskId);
    if (!found) return this.#vanished();
    const { task } = found;
    this.#drawOptions(task);
    const whole = this.descriptions.wholeOf(task);
    const shown = whole === null ? task : { ...task, description: whole };
    for (const field of Object.values(this.fields)) {
      if (whole === null && field === this.fields.description) field.withhold(task.description);
      else field.show(shown[/** @type {keyof TaskView} */ (field.name)], this.#who(field.name));
    }
    this.#drawState(task);
    this.#drawReading();
  }

  /** Costs a layout of the page: where a text, or the room for it, has changed. */
  #grow() {
    grow(this.inputs.title);
    grow(this.inputs.description);
  }

  /**
   * Our change was refused because somebody else had changed the same field.
   * @param {import("./pending.js").Operation} operation
   */
  reopen({ changes = {}, base = {} }) {
    for (const [name, value] of Object.entries(changes)) {
      Object.values(this.fields).find((field) => field.name === name)?.reopen(value, base[/** @type {keyof import("./types.js").Task} */ (name)]);
    }
  }

  /**
   * @param {import("./types.js").BoardEvent} event
   * @param {import("./types.js").Task | undefined} before
   */
  #remember({ event, actor, data }, before) {
    if (!event.startsWith("task:") || !this.#mayConflict(data.id)) return;
    const who = actor?.id && actor.id === this.model.options.userId ? "You, in another window," : (actor?.name ?? "Somebody");
    this.#lastActors.set(`${data.id}.`, who);
    const now = before?.descriptionCut ? cutDescription(data) : data;
    for (const { name } of Object.values(this.fields)) {
      if (!same(before?.[/** @type {keyof import("./types.js").Task} */ (name)], now[name])) this.#lastActors.set(`${data.id}.${name}`, who);
    }
  }

  /** Whether anybody could come to be told who changed that task. @param {string} task */
  #mayConflict(task) {
    return task === this.taskId || this.model.operations.some((operation) => operation.task === task);
  }

  /** @param {string} field  "" for the task itself */
  #who(field) {
    return this.#lastActors.get(`${this.taskId}.${field}`) ?? "Somebody";
  }

  /** @param {TaskView} task */
  #drawOptions(task) {
    const people = [...this.model.state.members.values()].map(({ user }) => ({ value: user.id, text: user.name }));
    const former = task.assignee && !people.some(({ value }) => value === task.assignee) ? [{ value: task.assignee, text: "A former member" }] : [];
    fill(this.inputs.assignee, [{ value: "", text: "Nobody" }, ...people, ...former]);
    fill(this.#column, this.model.view.columns.map(({ id, name }) => ({ value: id, text: name })));
    if (this.#column.value !== task.column) this.#column.value = task.column;
    const known = new Set();
    for (const { labels } of this.model.state.tasks.values()) for (const label of labels) known.add(label);
    this.inputs.labels.draw([...known].sort(), !this.model.canWrite);
  }

  /** @param {TaskView} task */
  #drawState(task) {
    const waiting = this.model.operations.some((operation) => operation.task === this.taskId && !operation.answer);
    setText(this.#state, waiting ? "Saving…" : this.#state.textContent ? "Saved" : "");
    const created = task.createdAt ? `Created ${ago(task.createdAt, Date.now())}` : "";
    const updated = task.updatedAt && task.updatedAt !== task.createdAt ? `, changed ${ago(task.updatedAt, Date.now())}` : "";
    setText(this.#dates, created + updated);
  }

  #drawReading() {
    const { title, description, assignee, dueOn } = this.inputs;
    const reading = !this.model.canWrite;
    if (this.element.classList.toggle("is-reading", reading) !== title.readOnly) this.#grow();
    title.readOnly = reading;
    const { isWithheld } = this.fields.description;
    description.readOnly = reading || isWithheld;
    setAttribute(description, "aria-busy", isWithheld && "true");
    setAttribute(description, "aria-describedby", isWithheld && this.descriptions.note.id);
    assignee.disabled = dueOn.disabled = this.#column.disabled = reading;
    setAttribute(description, "placeholder", reading ? "No description." : "Add a description");
    dueOn.type = reading && !dueOn.value ? "text" : "date"; // an empty date input would show its pattern
    setAttribute(dueOn, "placeholder", reading ? "None" : null);
    if (this.deleteButton) this.deleteButton.hidden = reading;
  }

  #vanished() {
    const who = this.#who("");
    const title = this.inputs.title.value;
    if (!this.isDirty) {
      if (this.model.options.userId && who) toast(`${who} deleted “${clip(title)}”.`);
      return this.deeds.close();
    }
    setText(this.#gone, `${who} deleted this task while you were editing. What you typed is still here to copy.`);
    this.#gone.hidden = false;
  }

  /**
   * @param {string} name
   * @param {any} value
   * @param {any} base
   */
  #save(name, value, base) {
    if (!this.taskId || !findTask(this.model.view, this.taskId)) return;
    const clean = name === "title" ? value.trim() : value;
    if (name === "title" && !clean) return;
    this.model.ask("task.update", { task: this.taskId, changes: { [name]: clean }, base: { [name]: base } });
  }

  /** @param {string} column */
  #move(column) {
    const last = this.model.view.columns.find((one) => one.id === column)?.tasks.at(-1)?.id ?? null;
    if (this.taskId) this.model.ask("task.move", { task: this.taskId, column, after: last });
  }

  async #delete() {
    const task = this.taskId;
    const title = clip(this.inputs.title.value);
    const agreed = await confirmDanger({ title: `Delete “${title}”?`, text: "The task and its comments go for everybody, and there is no way back.", action: "Delete task" });
    if (!agreed || !task || this.taskId !== task) return;
    for (const field of Object.values(this.fields)) field.revert();
    this.deeds.close();
    this.model.ask("task.delete", { task });
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {{value: string, text: string}[]} options
 */
function fill(select, options) {
  const drawn = JSON.stringify(options);
  if (select.dataset.drawn === drawn) return;
  select.dataset.drawn = drawn;
  const { value } = select;
  select.replaceChildren(...options.map((option) => h("option", { value: option.value }, option.text)));
  select.value = value;
}
