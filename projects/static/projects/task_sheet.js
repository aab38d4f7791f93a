import { CommentsView } from "./comments_view.js";
import { DescriptionLoader } from "./description_loader.js";
import { cutDescription } from "./descriptions.js";
import { confirmDanger } from "./dialog.js";
import { h, icon, setAttribute, setChildren, setText } from "./dom.js";
import { isolated } from "./isolated.js";
import { KeptNotes } from "./kept_panel.js";
import { refusedItems } from "./kept_words.js";
import { agoMark } from "./passing_time.js";
import { findTask } from "./pending.js";
import { buildFields } from "./sheet_fields.js";
import { grow } from "./text_field.js";
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
  /** The server has answered a change that was made while this task is open. */
  #saved = false;
  #state = h("span", { class: "quiet-text sheet-state", role: "status" });
  #gone = h("p", { class: "conflict", role: "alert", hidden: true });
  #dates = h("p", { class: "quiet-text" });

  /** @param {import("./kept_note.js").KeptDeeds & {close: () => void}} deeds */
  constructor(deeds) {
    const { model, drafts } = deeds;
    this.model = model;
    const { fields, inputs, counters } = buildFields(model, drafts, (name, value, base) => this.#save(name, value, base));
    this.fields = fields;
    this.inputs = inputs;
    this.counters = counters;
    /** Words of a field that were refused, where they were typed. */
    this.kept = ["title", "labels", "description"].map((field) => ({ field, notes: new KeptNotes(deeds, true), place: h("div", { class: "kept-list" }) }));
    this.comments = new CommentsView(deeds);
    this.descriptions = new DescriptionLoader(model);
    this.deeds = deeds;
    this.element = h("section", { class: "sheet", id: "sheet", role: "dialog", "aria-label": "Task", tabindex: -1, hidden: true });
    this.element.append(this.#head(), this.#body());
    addEventListener("resize", () => this.#grow());
    model.listen({
      changed: () => this.draw(),
      event: (event, before) => this.#remember(event, before.task),
      answered: ({ task }) => this.#ended(task, true),
      refused: ({ task }) => this.#ended(task, false),
    });
  }

  #head() {
    this.deleteButton = h("button", { type: "button", class: "icon-button", "aria-label": "Delete task", onclick: () => void this.#delete() }, icon("trash"));
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close task", onclick: () => this.deeds.close() }, icon("close"));
    return h("div", { class: "sheet-head" }, this.#state, h("span", { class: "spring" }), this.deleteButton, close);
  }

  #body() {
    const { fields, inputs, counters } = this;
    const [title, labels, description] = this.kept.map(({ place }) => place);
    const row = (/** @type {string} */ text, /** @type {HTMLElement} */ input, /** @type {HTMLElement | null} */ note) =>
      h("div", { class: "sheet-row" }, h("label", { class: "sheet-label", for: input.id }, text), h("div", {}, input, note));
    const labelsRow = h("div", { class: "sheet-row" }, h("span", { class: "sheet-label" }, "Labels"), h("div", {}, inputs.labels.element, fields.labels.note, labels));
    return h("div", { class: "sheet-body" }, this.#gone, inputs.title, counters.title, fields.title.note, title,
      h("div", { class: "sheet-rows" },
        row("Column", inputs.column, fields.column.note),
        row("Assignee", inputs.assignee, fields.assignee.note),
        row("Due", inputs.dueOn, fields.dueOn.note),
        labelsRow),
      h("label", { class: "sheet-heading", for: "sheet-description" }, "Description"), inputs.description, counters.description, this.descriptions.note, fields.description.note, description,
      this.#dates, this.comments.element);
  }

  /** Goes on with words of a field that were given back as a draft. @param {string} field */
  resume(field) {
    const found = Object.values(this.fields).find(({ name }) => name === field);
    const task = findTask(this.model.view, this.taskId ?? undefined)?.task;
    if (!found || !task) return;
    found.open(found.box, task[/** @type {keyof TaskView} */ (field)]);
    this.draw();
    found.options.element.focus();
  }

  /** @param {string} taskId */
  open(taskId) {
    if (this.taskId === taskId) return;
    if (this.taskId) this.commit();
    const found = findTask(this.model.view, taskId);
    if (!found) return;
    this.taskId = taskId;
    this.#saved = false;
    this.#gone.hidden = true;
    this.element.hidden = false;
    this.#drawOptions(found.task);
    for (const field of Object.values(this.fields)) field.open(`${field.name}:${taskId}`, found.task[/** @type {keyof TaskView} */ (field.name)]);
    this.inputs.labels.open(taskId, found.task.labels);
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

  /** Whether there is anything in it that is not saved. */
  get isDirty() {
    return this.taskId !== null && (this.comments.isDirty || this.inputs.labels.typed.field.isDirty || Object.values(this.fields).some((field) => field.isDirty));
  }

  /** Saves whatever was typed and not yet saved; what is held as a draft stays one. */
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
    this.#drawReading(!this.model.canWrite);
    this.#drawKept();
  }

  #drawKept() {
    const items = refusedItems(this.model).filter(({ entry }) => entry?.operation.task === this.taskId);
    for (const { field, notes, place } of this.kept) setChildren(place, notes.elements(items.filter((item) => item.field === field)));
  }

  /**
   * @param {string | undefined} task
   * @param {boolean} saved
   */
  #ended(task, saved) {
    if (task === this.taskId) this.#saved = saved;
  }

  /** What could not be read while somebody else was logged in. */
  readAgain() {
    this.comments.readAgain();
    this.descriptions.stop();
    this.draw();
  }

  /** Costs a layout of the page: where a text, or the room for it, has changed. */
  #grow() {
    grow(this.inputs.title);
    grow(this.inputs.description);
  }

  /**
   * @param {import("./types.js").BoardEvent} event
   * @param {import("./types.js").Task | undefined} before
   */
  #remember({ event, actor, data }, before) {
    if (!event.startsWith("task:") || !this.#mayConflict(data.id)) return;
    const who = actor?.id && actor.id === this.model.options.userId ? "You, in another window," : isolated(actor?.name ?? "Somebody");
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
    const former = task.assignee && !people.some(({ value }) => value === task.assignee) ? [{ value: task.assignee, text: `${isolated(this.model.person(task.assignee)?.name ?? "Somebody")} (former member)` }] : [];
    fill(this.inputs.assignee, [{ value: "", text: "Nobody" }, ...people, ...former]);
    fill(this.inputs.column, this.model.view.columns.map(({ id, name }) => ({ value: id, text: name })));
    const known = new Set();
    for (const { labels } of this.model.state.tasks.values()) for (const label of labels) known.add(label);
    this.inputs.labels.draw([...known].sort(), !this.model.canWrite);
  }

  /** @param {TaskView} task */
  #drawState(task) {
    const waiting = this.model.operations.some((operation) => operation.task === this.taskId && !operation.answer);
    const refused = this.model.unsaved.some(({ operation }) => operation.task === this.taskId);
    setText(this.#state, waiting ? "Saving…" : refused ? "Not saved" : this.#saved ? "Saved" : "");
    const { createdAt = "", updatedAt = "" } = task;
    const changed = updatedAt && updatedAt !== createdAt ? [", changed ", agoMark(updatedAt)] : [];
    this.#dates.replaceChildren(...(createdAt ? ["Created ", agoMark(createdAt), ...changed] : []));
  }

  /** @param {boolean} reading */
  #drawReading(reading) {
    const { title, description, column, assignee, dueOn } = this.inputs;
    for (const field of Object.values(this.fields)) field.setReading(reading);
    if (this.element.classList.toggle("is-reading", reading) !== title.readOnly) this.#grow();
    title.readOnly = reading;
    const { isWithheld } = this.fields.description;
    description.readOnly = reading || isWithheld;
    setAttribute(description, "aria-busy", isWithheld && "true");
    setAttribute(description, "aria-describedby", isWithheld && this.descriptions.note.id);
    assignee.disabled = dueOn.disabled = column.disabled = reading;
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
    this.#drawReading(true);
    this.inputs.labels.draw([], true);
    this.comments.draw();
    setText(this.#gone, `${who} deleted this task while you were editing. What you typed is still here to copy.`);
    this.#gone.hidden = false;
  }

  /**
   * @param {string} name
   * @param {any} value
   * @param {any} base
   */
  #save(name, value, base) {
    const found = findTask(this.model.view, this.taskId ?? undefined);
    if (!found || !this.model.canWrite) return false;
    const task = found.task.id;
    if (name !== "column") this.model.ask("task.update", { task, changes: { [name]: value }, base: { [name]: base } });
    else this.model.ask("task.move", { task, column: value, after: this.model.view.columns.find((one) => one.id === value)?.tasks.at(-1)?.id ?? null });
    return true;
  }

  async #delete() {
    const task = this.taskId;
    const title = clip(this.inputs.title.value);
    const agreed = await confirmDanger({ title: `Delete “${title}”?`, text: "The task and its comments go for everybody, and there is no way back.", action: "Delete task" });
    if (!agreed || !task || this.taskId !== task) return;
    for (const field of Object.values(this.fields)) field.hold();
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
