// Socket.IO with the Redis adapter, as its pages on production and on memory usage advise:
// WebSocket alone, bufferutil installed, the first HTTP request of each connection let go.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const [port, redisUrl] = process.argv.slice(2);
const secret = process.env.JWT_SECRET;

const publishing = new Redis(redisUrl);
const server = createServer();
const io = new Server(server, {
  adapter: createAdapter(publishing, publishing.duplicate()),
  serveClient: false,
  transports: ["websocket"],
});

io.engine.on("connection", (socket) => {
  socket.request = null;
});

/** The claims of an HS256 token that holds now, else an error. */
function verify(token) {
  const [header, payload, signature] = token.split(".");
  const expected = createHmac("sha256", secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Error("bad signature");
  }
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  if (claims.exp * 1000 <= Date.now()) {
    throw new Error("expired");
  }
  return claims;
}

io.use((socket, next) => {
  try {
    socket.data.user = verify(socket.handshake.auth.token).sub;
    next();
  } catch (error) {
    next(error);
  }
});

io.on("connection", (socket) => {
  socket.on("join", (room, answer) => {
    socket.join(room);
    answer();
  });
});

process.on("SIGUSR2", () => globalThis.gc());
process.on("SIGTERM", () => process.exit(0));
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 2048 }, () => console.log("ready"));
