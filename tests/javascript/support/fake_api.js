import { ApiError } from "../../../projects/static/projects/api.js";

/**
 * The writes of the API in front of a model server: keys, versions, ids that clients give, rights, refusals.
 */

/** @type {[string, RegExp, (server: any, ids: string[], body: any, key: string) => any][]} */
const ROUTES = [
  [
    "POST",
    /^\/api\/projects\/p\/tasks\/$/,
    (server, _, body, key) => server.taskCreate({ after: "none", ...body }, key),
  ],
  ["POST", /^\/api\/projects\/p\/columns\/$/, (server, _, body, key) => server.columnCreate(body, key)],
  [
    "POST",
    /^\/api\/tasks\/([^/]+)\/comments\/$/,
    (server, [task], body, key) => server.commentCreate({ task, ...body }, key),
  ],
  [
    "PATCH",
    /^\/api\/tasks\/([^/]+)\/$/,
    (server, [task], changes, key) => server.taskUpdate({ task, changes }, key),
  ],
  ["DELETE", /^\/api\/tasks\/([^/]+)\/$/, (server, [task], _, key) => server.taskDelete({ task }, key)],
  [
    "POST",
    /^\/api\/tasks\/([^/]+)\/move\/$/,
    (server, [task], body, key) => server.taskMove({ task, ...body }, key),
  ],
  [
    "PATCH",
    /^\/api\/columns\/([^/]+)\/$/,
    (server, [column], body, key) => server.columnRename({ column, ...body }, key),
  ],
  [
    "POST",
    /^\/api\/columns\/([^/]+)\/move\/$/,
    (server, [column], body, key) => server.columnMove({ column, ...body }, key),
  ],
  [
    "DELETE",
    /^\/api\/columns\/([^/?]+)\/(?:\?moveTo=(.*))?$/,
    (server, [column, moveTo], _, key) => server.columnDelete({ column, moveTo }, key),
  ],
  [
    "PATCH",
    /^\/api\/comments\/([^/]+)\/$/,
    (server, [comment], body, key) => server.commentUpdate({ comment, ...body }, key),
  ],
  [
    "DELETE",
    /^\/api\/comments\/([^/]+)\/$/,
    (server, [comment], _, key) => server.commentDelete({ comment }, key),
  ],
];

export class FakeApi {
  /** Answers by key, with what was asked. @type {Map<string, {asked: string, answer: any}>} */
  #kept = new Map();
  #refused = new Map();
  /** Keys in the order in which their changes were made. @type {string[]} */
  done = [];
  /** What the next writes are refused with. @type {{status: number, code: string}[]} */
  refusals = [];
  mayWrite = true;
  boardIsThere = true;
  /** Who is logged in; only "me" may see the board. @type {{id: string, name: string} | null} */
  me = { id: "me", name: "Me" };

  /** @param {import("./model_server.js").ModelServer} server */
  constructor(server) {
    this.server = server;
  }

  /** As `call` of api.js. Throws an ApiError. */
  request(path, { method = "GET", body = undefined, key = "", version = undefined } = {}) {
    if (method === "GET") return this.#read(path);
    if (!this.me) throw refusal(401, "unauthenticated");
    if (this.me.id !== "me") throw refusal(409, "other-user");
    const kept = this.#kept.get(key);
    const asked = JSON.stringify([method, path, body]);
    if (kept && kept.asked !== asked) throw refusal(422, "key-reused");
    if (kept) return structuredClone(kept.answer);
    const refused = this.#refused.get(key) ?? this.refusals.shift();
    if (refused) this.#refuse(key, refused);
    if (!this.mayWrite) this.#refuse(key, { status: 403, code: "forbidden" });
    const answer = structuredClone(this.#write(method, path, body ?? {}, key, version));
    this.#kept.set(key, { asked, answer });
    this.done.push(key);
    return structuredClone(answer);
  }

  /** For good, unless it may pass: a copy of the request that comes late is refused as well. */
  #refuse(key, refused) {
    const error = refusal(refused.status, refused.code);
    if (!error.isPassing && !error.isOfLogIn) this.#refused.set(key, refused);
    throw error;
  }

  #write(method, path, body, key, version) {
    const [, pattern, run] = ROUTES.find(([verb, route]) => verb === method && route.test(path)) ?? [];
    const ids = path.match(pattern).slice(1);
    const task = path.startsWith("/api/tasks/") && this.server.tasks.find(({ id }) => id === ids[0]);
    if (path.startsWith("/api/tasks/") && !task) throw refusal(404, "not-found");
    if (task && version !== undefined && version !== task.version)
      throw refusal(412, "version-conflict", { task: structuredClone(task) });
    if (body.id && this.#exists(body.id)) throw refusal(409, "id-used");
    const answer = run(this.server, ids, body, key);
    if (!answer) throw refusal(400, "invalid");
    return answer;
  }

  #exists(id) {
    return [...this.server.tasks, ...this.server.columns, ...this.server.comments].some(
      (one) => one.id === id,
    );
  }

  #read(path) {
    if (path.includes("/board/") && !(this.boardIsThere && this.me?.id === "me")) throw refusal(404, "not-found");
    if (path.includes("/board/")) return this.server.snapshot();
    const [, , , id] = path.split("/");
    const found = [...this.server.tasks, ...this.server.columns].find((one) => one.id === id);
    if (!found) throw refusal(404, "not-found");
    return structuredClone(found);
  }
}

function refusal(status, code, more = {}) {
  return new ApiError({ status, code, detail: code, ...more });
}
