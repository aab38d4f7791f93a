import { ApiError, call } from "./api.js";
import { askText, confirmDanger } from "./dialog.js";
import { openMembers } from "./members_panel.js";
import { openMenu } from "./menu.js";
import { newId } from "./new_id.js";
import { toast } from "./toasts.js";
import { reason } from "./words.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */

const LONGEST_NAME = 120;

/**
 * @param {HTMLElement} anchor
 * @param {BoardModel} model
 * @param {{help: () => void, logOut: (() => void) | null, mayOpen: boolean}} deeds  mayOpen: whether one may open a board to everybody here
 */
export function openProjectMenu(anchor, model, { help, logOut, mayOpen }) {
  const owner = model.role === "owner" && !model.state.deleted;
  const { project } = model.state;
  openMenu(anchor, "Board", [
    { text: "Members…", run: () => openMembers(model) },
    ...(owner ? ownerItems(model, mayOpen) : []),
    { text: "Keyboard shortcuts", heading: "", keys: "?", run: help },
    { text: "All boards", run: () => location.assign("/projects") },
    ...(logOut ? [{ text: "Log out", run: logOut }] : []),
    ...(owner ? [{ text: "Delete board…", heading: "", danger: true, run: () => void remove(model, project.name) }] : []),
  ]);
}

/**
 * @param {BoardModel} model
 * @param {boolean} mayOpen
 */
function ownerItems(model, mayOpen) {
  const { project } = model.state;
  const publishing = { text: project.public ? "Make private…" : "Make public…", run: () => void publish(model, !project.public) };
  return [{ text: "Rename…", run: () => void rename(model) }, ...(project.public || mayOpen ? [publishing] : [])];
}

/** @param {BoardModel} model */
async function rename(model) {
  const { name } = model.state.project;
  const wanted = await askText({ title: "Rename board", label: "Name", value: name, action: "Rename", maxLength: LONGEST_NAME });
  if (wanted && wanted !== name) await change(model, { name: wanted });
}

/**
 * @param {BoardModel} model
 * @param {boolean} open
 */
async function publish(model, open) {
  const question = open
    ? { title: "Make this board public?", text: "Everybody who has the address can read it, without logging in. Only members can change it.", action: "Make public" }
    : { title: "Make this board private?", text: "From now on only its members can see it. Everybody else loses it at once.", action: "Make private" };
  if (await confirmDanger(question)) await change(model, { public: open });
}

/**
 * @param {BoardModel} model
 * @param {string} name
 */
async function remove(model, name) {
  const agreed = await confirmDanger({ title: `Delete “${name}”?`, text: "The board, its tasks and their comments go for everybody, and there is no way back.", action: "Delete board" });
  if (agreed) await attempt(call(`/api/projects/${model.id}/`, { method: "DELETE", key: newId() }));
}

/**
 * @param {BoardModel} model
 * @param {object} body
 */
async function change(model, body) {
  await attempt(call(`/api/projects/${model.id}/`, { method: "PATCH", body, key: newId() }));
}

/** @param {Promise<any>} request */
async function attempt(request) {
  try {
    await request;
  } catch (error) {
    toast(`That did not work: ${error instanceof ApiError ? reason(error.problem) : String(error)}`);
  }
}
