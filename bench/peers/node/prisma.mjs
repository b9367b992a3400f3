/**
 * Node + socket.io + Prisma on its `pg` adapter: one update of the conversation and one insert a message.
 *
 *     node prisma.mjs PORT DATABASE_URL POOL_SIZE
 */
import { randomUUID } from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "@prisma/client";
import { serve } from "./chat.mjs";

const PREVIEW_LENGTH_MAX = 120;

class Store {
  constructor(prisma) {
    this.prisma = prisma;
  }

  async open() {
    const [visitorId, conversationId] = [randomUUID(), randomUUID()];
    await this.prisma.visitor.create({ data: { id: visitorId } });
    await this.prisma.conversation.create({ data: { id: conversationId, visitorId } });
    return { conversationId, visitorId };
  }

  async append({ id, conversationId, visitorId, clientId, bodyText }) {
    const createdAt = new Date();
    const { seq } = await this.prisma.conversation.update({
      where: { id: conversationId },
      data: {
        seq: { increment: 1 },
        unread: { increment: 1 },
        preview: bodyText.slice(0, PREVIEW_LENGTH_MAX),
        previewSender: "visitor",
        lastMessageAt: createdAt,
      },
      select: { seq: true },
    });
    await this.prisma.message.create({
      data: { id, conversationId, seq, senderType: "visitor", senderId: visitorId, clientId, bodyText, createdAt },
      select: { id: true },
    });
    return { seq, createdAt };
  }
}

const [port, connectionString, poolSize] = process.argv.slice(2);
const adapter = new PrismaPg({ connectionString, max: Number(poolSize), idleTimeoutMillis: 0 });
serve(Number(port), new Store(new PrismaClient({ adapter })));
