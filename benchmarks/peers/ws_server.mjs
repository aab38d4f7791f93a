// node ws: what comes on a Redis channel goes to every client, as one Buffer that is prepared once.
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";

const [port, redisUrl, channel] = process.argv.slice(2);

const redis = new Redis(redisUrl);
const server = new WebSocketServer({ port: Number(port), host: "127.0.0.1", backlog: 2048 });

redis.on("messageBuffer", (_, message) => {
  for (const client of server.clients) {
    if (client.readyState === client.OPEN) {
      client.send(message, { binary: false });
    }
  }
});

process.on("SIGUSR2", () => globalThis.gc());
process.on("SIGTERM", () => process.exit(0));
await redis.subscribe(channel);
console.log("ready");
