// Drives npm's socket.io-client against the echo application; prints what it saw as one line of JSON.
import { createRequire } from "node:module";

const [modules, url, mode] = process.argv.slice(2);
const { io } = createRequire(modules)("socket.io-client");
const transports = { websocket: ["websocket"], polling: ["polling"], upgrade: ["polling", "websocket"] }[mode];
const count = 200;
const seen = { transports: [], numbers: [], acks: [], binary: null, connects: 0, reasons: [] };

const socket = io(url, { path: "/ws-visitor", transports, auth: { token: "t" }, reconnectionDelay: 100 });
socket.io.engine.on("upgrade", (transport) => seen.transports.push(transport.name));
socket.on("connect", () => {
  seen.connects += 1;
  seen.transports.push(socket.io.engine.transport.name);
  if (seen.connects === 1) run();
});
socket.on("connect_error", (error) => console.error(error.message));
socket.on("disconnect", (reason) => seen.reasons.push(reason));
socket.on("echo", (value) => {
  if (typeof value === "number") seen.numbers.push(value);
  else seen.binary = value;
});

async function run() {
  const acks = [];
  for (let number = 0; number < count; number += 1) {
    acks.push(socket.emitWithAck("echo", number));
    if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  seen.acks = await Promise.all(acks);
  await socket.emitWithAck("echo", new Uint8Array([1, 2]));
  seen.final = socket.io.engine.transport.name;
  socket.disconnect();
  console.log(JSON.stringify(seen));
}
setTimeout(() => process.exit(3), 15_000).unref();
