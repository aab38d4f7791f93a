import fc from "fast-check";

/** Random commands for the model server; `pick` chooses among what is there at that moment. */

/** Of whose characters each is two of JavaScript's. */
const LONG = "🎉🍰".repeat(1001);

const number = fc.nat({ max: 50 });
const name = fc.constantFrom("a", "b", "c", "d");
const command = (kind, fields = {}) => fc.record({ kind: fc.constant(kind), a: number, b: number, c: number, name, ...fields });

export const commands = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: command("taskCreate") },
    { weight: 6, arbitrary: command("taskMove") },
    { weight: 3, arbitrary: command("taskUpdate") },
    { weight: 1, arbitrary: command("taskDelete") },
    { weight: 2, arbitrary: command("columnCreate") },
    { weight: 1, arbitrary: command("columnRename") },
    { weight: 2, arbitrary: command("columnMove") },
    { weight: 1, arbitrary: command("columnDelete") },
    { weight: 2, arbitrary: command("commentCreate") },
    { weight: 1, arbitrary: command("commentDelete") },
    { weight: 1, arbitrary: command("memberAdd") },
    { weight: 1, arbitrary: command("memberUpdate") },
    { weight: 1, arbitrary: command("memberRemove") },
    { weight: 1, arbitrary: command("projectUpdate") },
    { weight: 1, arbitrary: command("somethingElse") },
  ),
  { maxLength: 60 },
);

const pick = (rows, index) => (rows.length ? rows[index % rows.length].id : "none");

/** The command's arguments, as a client that sees this server would give them. */
export function argumentsOf({ a, b, c, name: text }, server) {
  const column = pick(server.columns, b);
  const task = pick(server.tasks, a);
  const inColumn = server.tasks.filter((one) => one.column === column && one.id !== task);
  return {
    task,
    column,
    after: c % 4 === 0 ? null : c % 4 === 1 ? "gone" : pick(inColumn, c),
    moveTo: pick(server.columns, c),
    title: text,
    name: text,
    changes: { title: text, description: LONG.slice(0, [0, 4, 1000, 4000, 4004][c % 5]) },
    comment: pick(server.comments, a),
    member: pick(server.members, a),
    role: c % 2 ? "owner" : "editor",
  };
}

/** `id`: of what a page creates. */
export function run(server, one, mutationId, id) {
  return server[one.kind]({ ...argumentsOf(one, server), id }, mutationId);
}
