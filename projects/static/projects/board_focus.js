/**
 * The keyboard's place on the board: one card is in the tab order, the arrows walk from it, and the focus
 * stays with its card by the id whatever is drawn. Where that card goes, its neighbour takes its place.
 */
export class BoardFocus {
  /** @type {string | null} */
  #current = null;
  /** The one card in the tab order, as drawn. @type {HTMLElement | undefined} */
  #stop;
  /**
   * The column of the current card before the drawing, and its other cards: those below it, then those above,
   * nearest first.
   * @type {{column: Element | null, ids: string[]}}
   */
  #around = { column: null, ids: [] };

  /**
   * @param {HTMLElement} root
   * @param {Map<string, HTMLElement>} cards  by id, as drawn
   */
  constructor(root, cards) {
    this.root = root;
    this.cards = cards;
    root.addEventListener("focusin", (event) => this.#focused(event));
  }

  /** @param {string} id  where it is not there, the current card gets the focus */
  set(id) {
    const card = this.cards.get(id) ?? this.cards.get(this.#current ?? "");
    card?.querySelector("a")?.focus();
    card?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Moving an element in the page takes its focus away: call the answer after a drawing to give it back. */
  keep() {
    this.#lookAround();
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || !this.root.contains(element)) return () => undefined;
    return () => this.#restore(element);
  }

  /** Only the current card can be reached with Tab; a card is made out of reach. */
  drawStop() {
    if (!this.#current || !this.cards.has(this.#current))
      this.#current = this.#around.ids.find((id) => this.cards.has(id)) ?? this.#first();
    const card = this.cards.get(this.#current ?? "");
    if (card === this.#stop) return;
    reach(this.#stop, -1);
    reach(card, 0);
    this.#stop = card;
  }

  /** @param {HTMLElement} element */
  #restore(element) {
    if (document.activeElement === element) return;
    if (element.isConnected) element.focus({ preventScroll: true });
    else if (document.activeElement === document.body && this.#current)
      this.cards.get(this.#current)?.querySelector("a")?.focus();
  }

  #lookAround() {
    const card = this.cards.get(this.#current ?? "");
    const column = card?.closest("[data-column-id]") ?? null;
    const ids = [...(column?.querySelectorAll("[data-task-id]") ?? [])].map(
      (one) => one.getAttribute("data-task-id") ?? "",
    );
    const index = ids.indexOf(this.#current ?? "");
    this.#around = { column, ids: [...ids.slice(index + 1), ...ids.slice(0, Math.max(0, index)).reverse()] };
  }

  /** @param {FocusEvent} event */
  #focused(event) {
    const card = event.target instanceof Element ? event.target.closest("[data-task-id]") : null;
    const id = card?.getAttribute("data-task-id");
    if (!id || id === this.#current) return;
    this.#current = id;
    this.drawStop();
  }

  #first() {
    const place =
      this.#around.column?.querySelector("[data-task-id]") ?? this.root.querySelector("[data-task-id]");
    return place?.getAttribute("data-task-id") ?? null;
  }
}

/**
 * @param {HTMLElement | undefined} card
 * @param {number} index
 */
function reach(card, index) {
  for (const stop of card?.querySelectorAll("a, button") ?? [])
    /** @type {HTMLElement} */ (stop).tabIndex = index;
}
