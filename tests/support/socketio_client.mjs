// socket.io-client as the tests drive it: a command a line on standard input, a fact a line on standard output.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, transports, token, headers] = process.argv.slice(2);
const tell = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);
const socket = io(url, {
  transports: transports.split(","),
  auth: token ? { token } : {},
  extraHeaders: JSON.parse(headers ?? "{}"),
  reconnectionDelay: 100,
  reconnectionDelayMax: 200,
});

let met = false;
socket.on("connect", () => {
  met = true;
  tell({ is: "connect" });
});
socket.on("disconnect", (reason) => tell({ is: "disconnect", reason }));
socket.on("connect_error", ({ message, data = null }) =>
  tell({ is: "refused", message, data, again: socket.active }),
);
socket.onAny((event, payload) => tell({ is: "event", event, payload }));

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { event, data } = JSON.parse(line);
    // What is emitted between two connections would be kept and sent on the next, before a join that is newer.
    if (socket.connected || !met) socket.emit(event, data, (answer) => tell({ is: "ack", event, answer }));
  })
  .on("close", () => socket.disconnect());
