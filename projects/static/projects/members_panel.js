import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { confirmDanger, openDialog, sendOnce } from "./dialog.js";
import { h, setAttribute, setChildren, setText } from "./dom.js";
import { isolated } from "./isolated.js";
import { newId } from "./new_id.js";
import { whyNot } from "./reasons.js";
import { textField } from "./text_field.js";
import { LIMITS } from "./texts.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./types.js").Member} Member */

const ROLES = { owner: "Owner: may do everything", editor: "Editor: may change tasks and columns", viewer: "Viewer: may read" };

/**
 * Who may do what here. Owners change it; everybody else reads it.
 * @param {BoardModel} model
 * @param {import("./drafts.js").Drafts} drafts
 */
export function openMembers(model, drafts) {
  const list = h("ul", { class: "members", role: "list" });
  const error = h("p", { class: "form-error", role: "alert", hidden: true });
  const attempt = (/** @type {Promise<any>} */ request) => tell(request, error);
  const form = addForm(model, drafts, attempt);
  const dialog = openDialog("Members", [error, list, form]);
  const draw = () => {
    if (!dialog.isConnected) return;
    form.hidden = model.role !== "owner";
    setChildren(list, [...model.state.members.values()].map((member) => row(member, model, attempt)));
  };
  model.listen({ changed: draw });
  draw();
}

/** @typedef {(request: Promise<any>) => Promise<boolean>} Attempt */

/**
 * @param {Member} member
 * @param {BoardModel} model
 * @param {Attempt} attempt
 */
function row(member, model, attempt) {
  const { user, role } = member;
  const self = user.id === model.options.userId;
  const name = h("span", { class: "member-name" }, h("span", {}, h("bdi", {}, user.name), self && " (you)"), h("span", { class: "quiet-text" }, `@${user.username}`));
  const owner = model.role === "owner";
  const roles = owner ? roleSelect(member, attempt) : h("span", { class: "quiet-text" }, role);
  const leave = owner || self ? h("button", { type: "button", class: "button small quiet", onclick: () => void remove(member, self, attempt) }, self ? "Leave" : "Remove") : null;
  if (leave && !self) leave.setAttribute("aria-label", `Remove ${isolated(user.name)}`);
  return h("li", { class: "member" }, avatar(user), name, roles, leave);
}

/**
 * @param {Member} member
 * @param {Attempt} attempt
 */
function roleSelect(member, attempt) {
  const select = h("select", { class: "input small", "aria-label": `Role of ${isolated(member.user.name)}` }, ...Object.keys(ROLES).map((role) => h("option", { value: role, selected: role === member.role }, role)));
  select.addEventListener("change", async () => {
    const changed = await attempt(call(`/api/members/${member.id}/`, { method: "PATCH", body: { role: select.value }, key: newId() }));
    if (!changed) select.value = member.role;
  });
  return select;
}

/**
 * @param {Member} member
 * @param {boolean} self
 * @param {Attempt} attempt
 */
async function remove({ id, user }, self, attempt) {
  const question = self
    ? { title: "Leave this board?", text: "You will see it again only if it is public, or an owner adds you back.", action: "Leave board" }
    : { title: `Remove ${isolated(user.name)}?`, text: "Their tasks stay as they are. They no longer see the board unless it is public.", action: "Remove" };
  if (await confirmDanger(question)) await attempt(call(`/api/members/${id}/`, { method: "DELETE", key: newId() }));
}

/**
 * @param {BoardModel} model
 * @param {import("./drafts.js").Drafts} drafts
 * @param {Attempt} attempt
 */
function addForm(model, drafts, attempt) {
  const username = h("input", { class: "input", autocapitalize: "none", autocomplete: "off", spellcheck: "false" });
  const role = h("select", { class: "input" }, ...Object.entries(ROLES).map(([value, text]) => h("option", { value, selected: value === "editor" }, text)));
  const button = h("button", { type: "submit", class: "button primary" }, "Add member");
  const { field, counter } = textField({ name: "username", label: "the username", element: username, limit: LIMITS.username, required: true, oneLine: true, quiet: true, drafts, save: () => false });
  const submit = async () => {
    if (field.problem) return username.focus();
    const body = { username: field.value, role: role.value };
    if (await attempt(call(`/api/projects/${model.id}/members/`, { method: "POST", body, key: newId() }))) field.revert();
  };
  field.open("member", "");
  return h("form", { class: "member-form", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), void sendOnce(button, submit)) },
    h("label", { class: "field" }, h("span", {}, "Username"), username), counter,
    h("label", { class: "field" }, h("span", {}, "Role"), role),
    button);
}

/**
 * @param {Promise<any>} request
 * @param {HTMLElement} place  for the sentence when it fails
 */
async function tell(request, place) {
  const why = await whyNot(request);
  setText(place, why && `That did not work: ${why}`);
  setAttribute(place, "hidden", !why);
  return !why;
}
