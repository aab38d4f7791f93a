import { avatar } from "./avatar.js";
import { h, setAttribute } from "./dom.js";

/** @typedef {{id: string, name: string, username: string}} Person */

const MOST = 4;

/** Who looks at this board now, as the connection says; nobody where it cannot say. */
export class PresenceBar {
  /** @type {Map<string, Person>} */
  #people = new Map();

  /**
   * @param {HTMLElement} place
   * @param {string} room
   * @param {import("./types.js").Feed} feed
   */
  constructor(place, room, feed) {
    this.place = place;
    feed.on("joined", (news) => news.room === room && this.#replace(news.detail.presence ?? []));
    feed.on("presence:joined", (data) => data.projectId === room && this.#add(data.users));
    feed.on("presence:left", (data) => data.projectId === room && this.#remove(data.users));
    feed.on("status", ({ connected }) => connected || this.#replace([]));
  }

  /** @param {Person[]} people */
  #replace(people) {
    if (!people.length && !this.#people.size) return;
    this.#people.clear();
    this.#add(people);
  }

  /** @param {Person[]} people */
  #add(people) {
    for (const person of people) this.#people.set(person.id, person);
    this.#draw();
  }

  /** @param {Person[]} people */
  #remove(people) {
    for (const { id } of people) this.#people.delete(id);
    this.#draw();
  }

  #draw() {
    const people = [...this.#people.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown = people.slice(0, people.length > MOST ? MOST - 1 : MOST).map((person) => h("li", {}, avatar(person)));
    const more = people.length - shown.length;
    const names = people.map(({ name }) => name).join(", ");
    if (more) shown.push(h("li", {}, h("span", { class: "avatar avatar-more", role: "img", title: names, "aria-label": `and ${more} more` }, `+${more}`)));
    this.place.replaceChildren(...shown);
    setAttribute(this.place, "aria-label", people.length ? `Here now: ${names}` : "Here now: nobody");
  }
}
