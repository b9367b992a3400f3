/**
 * The chat of the Node peers: socket.io as it comes, one server for visitors and one for agents on one port. Knows what
 * is said on the sockets; where messages are kept is the `store` that it is given.
 *
 *     store.open(): Promise<{conversationId, visitorId}>                        a visitor with an open conversation
 *     store.append({id, conversationId, visitorId, clientId, bodyText}): Promise<{seq, createdAt: Date}>
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Server } from "socket.io";

const EVERY_CONVERSATION = "agents";

export function serve(port, store) {
  const http = createServer();
  const visitors = new Server(http, { path: "/ws-visitor/", serveClient: false });
  const agents = new Server(http, { path: "/ws-admin/", serveClient: false });

  visitors.on("connection", (socket) => {
    socket.on("visitor_hello", async (_hello, ack) => {
      socket.data = await store.open();
      await socket.join(socket.data.conversationId);
      ack({ ok: true, conversationId: socket.data.conversationId });
    });

    socket.on("visitor_message", async ({ conversationId, bodyText, clientId }, ack) => {
      if (conversationId !== socket.data.conversationId) return ack({ ok: false, code: "not_yours" });
      const id = randomUUID();
      const { seq, createdAt } = await store.append({ id, ...socket.data, clientId, bodyText });
      const message = { id, conversationId, seq, sender: "visitor", bodyText, clientId, createdAt: createdAt.toISOString() };
      ack({ ok: true, id, seq, createdAt: message.createdAt });
      visitors.to(conversationId).emit("message_new", message);
      agents.to(EVERY_CONVERSATION).emit("message_new", message);
    });
  });

  agents.on("connection", async (socket) => {
    await socket.join(EVERY_CONVERSATION);
    socket.on("admin_join", (_wanted, ack) => ack({ ok: true }));
    socket.emit("admin_authenticated", {});
  });

  http.listen(port, "127.0.0.1", () => console.log("ready"));
}
