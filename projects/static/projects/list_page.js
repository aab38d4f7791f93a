/** The board that one was on last comes first: it is one key away. */

import { find, h } from "./dom.js";

const list = document.querySelector("#boards");
const last = lastBoard();
const card = last ? document.querySelector(`[data-board-id="${CSS.escape(last)}"]`) : null;
if (list && card && list.contains(card)) {
  list.prepend(card);
  find(".board-link", card).append(h("span", { class: "tag" }, "Last opened"));
}

function lastBoard() {
  try {
    return localStorage.getItem("devmentor.lastBoard");
  } catch {
    return null;
  }
}
