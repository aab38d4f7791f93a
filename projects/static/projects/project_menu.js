import { call } from "./api.js";
import { askText, confirmDanger } from "./dialog.js";
import { isolated } from "./isolated.js";
import { openMembers } from "./members_panel.js";
import { openMenu } from "./menu.js";
import { newId } from "./new_id.js";
import { whyNot } from "./reasons.js";
import { LIMITS } from "./texts.js";
import { toast } from "./toasts.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */

/**
 * @param {HTMLElement} anchor
 * @param {BoardModel} model
 * @param {import("./drafts.js").Drafts} drafts
 * @param {{help: () => void, logOut: (() => void) | null, mayOpen: boolean, kept: (() => void) | null}} deeds
 *   mayOpen: whether one may open a board to everybody here; kept: shows what is not saved, where there is any
 */
export function openProjectMenu(anchor, model, drafts, { help, logOut, mayOpen, kept }) {
  const owner = model.role === "owner" && !model.state.deleted;
  const { project } = model.state;
  openMenu(anchor, "Board", [
    { text: "Members…", run: () => openMembers(model, drafts) },
    ...(owner ? ownerItems(model, drafts, mayOpen) : []),
    ...(kept ? [{ text: "Not saved and drafts…", run: kept }] : []),
    { text: "Keyboard shortcuts", heading: "", keys: "?", run: help },
    { text: "All boards", run: () => location.assign("/projects") },
    ...(logOut ? [{ text: "Log out", run: logOut }] : []),
    ...(owner ? [{ text: "Delete board…", heading: "", danger: true, run: () => void remove(model, project.name) }] : []),
  ]);
}

/**
 * @param {BoardModel} model
 * @param {import("./drafts.js").Drafts} drafts
 * @param {boolean} mayOpen
 */
function ownerItems(model, drafts, mayOpen) {
  const { project } = model.state;
  const publishing = { text: project.public ? "Make private…" : "Make public…", run: () => void publish(model, !project.public) };
  return [{ text: "Rename…", run: () => renameBoard(model, drafts) }, ...(project.public || mayOpen ? [publishing] : [])];
}

/**
 * @param {BoardModel} model
 * @param {import("./drafts.js").Drafts} drafts
 */
export function renameBoard(model, drafts) {
  const send = (/** @type {string} */ name) => whyNot(change(model, { name }));
  askText({ title: "Rename board", label: "Name", value: model.state.project.name, action: "Rename", limit: LIMITS.name, box: "board-name", drafts, send });
}

/**
 * @param {BoardModel} model
 * @param {boolean} open
 */
async function publish(model, open) {
  const question = open
    ? { title: "Make this board public?", text: "Everybody who has the address can read it, without logging in. Only members can change it.", action: "Make public" }
    : { title: "Make this board private?", text: "From now on only its members can see it. Everybody else loses it at once.", action: "Make private" };
  if (await confirmDanger(question)) tell(await whyNot(change(model, { public: open })));
}

/**
 * @param {BoardModel} model
 * @param {string} name
 */
async function remove(model, name) {
  const agreed = await confirmDanger({ title: `Delete “${isolated(name)}”?`, text: "The board, its tasks and their comments go for everybody, and there is no way back.", action: "Delete board" });
  if (agreed) tell(await whyNot(call(`/api/projects/${model.id}/`, { method: "DELETE", key: newId() })));
}

/**
 * @param {BoardModel} model
 * @param {object} body
 */
function change(model, body) {
  return call(`/api/projects/${model.id}/`, { method: "PATCH", body, key: newId() });
}

/** @param {string} why */
function tell(why) {
  if (why) toast(`That did not work: ${why}`);
}
