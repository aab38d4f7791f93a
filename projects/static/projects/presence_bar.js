import { avatar } from "./avatar.js";
import { h, setAttribute } from "./dom.js";
import { isolated } from "./isolated.js";

/** @typedef {{id: string, name: string, username: string}} Person */

const MOST = 4;
const MOST_BY_NAME = 12;

/**
 * Who looks at this board now, as the connection says; nobody where it cannot say. Of a crowd some are named
 * and the others counted.
 */
export class PresenceBar {
  /** @type {Map<string, Person>} */
  #people = new Map();
  #others = 0;

  /**
   * @param {HTMLElement} place
   * @param {string} room
   * @param {import("./types.js").Feed} feed
   */
  constructor(place, room, feed) {
    this.place = place;
    feed.on(
      "joined",
      (news) => news.room === room && this.#replace(news.detail.presence ?? [], news.detail.others),
    );
    feed.on("presence:joined", (data) => data.projectId === room && this.#add(data.users, data.others));
    feed.on("presence:left", (data) => data.projectId === room && this.#remove(data.users, data.others));
    feed.on("status", ({ connected }) => connected || this.#replace([]));
  }

  /**
   * @param {Person[]} people
   * @param {number} [others]
   */
  #replace(people, others) {
    if (!people.length && !this.#people.size) return;
    this.#people.clear();
    this.#add(people, others);
  }

  /**
   * @param {Person[]} people
   * @param {number} [others]
   */
  #add(people, others = 0) {
    for (const person of people) this.#people.set(person.id, person);
    this.#others = others;
    this.#draw();
  }

  /**
   * @param {Person[]} people
   * @param {number} [others]
   */
  #remove(people, others = 0) {
    for (const { id } of people) this.#people.delete(id);
    this.#others = others;
    this.#draw();
  }

  #draw() {
    const people = [...this.#people.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown = people
      .slice(0, people.length > MOST ? MOST - 1 : MOST)
      .map((person) => h("li", {}, avatar(person)));
    const more = people.length - shown.length + this.#others;
    const named = people.slice(0, MOST_BY_NAME);
    const unnamed = people.length - named.length + this.#others;
    const names =
      named.map(({ name }) => isolated(name)).join(", ") + (unnamed ? ` and ${unnamed} more` : "");
    if (more)
      shown.push(
        h(
          "li",
          {},
          h(
            "span",
            { class: "avatar avatar-more", role: "img", title: names, "aria-label": `and ${more} more` },
            `+${more}`,
          ),
        ),
      );
    this.place.replaceChildren(...shown);
    setAttribute(this.place, "aria-label", people.length ? `Here now: ${names}` : "Here now: nobody");
  }
}
