/**
 * Node + socket.io + pg: one prepared statement a message, which inserts it and updates its conversation.
 *
 *     node pg.mjs PORT DATABASE_URL POOL_SIZE
 */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { serve } from "./chat.mjs";

const OPEN = `
  with v as (insert into visitor (id) values ($1) returning id)
  insert into conversation (id, visitor_id) select $2, id from v`;

const APPEND = `
  with c as (
    update conversation
    set seq = seq + 1, preview = left($5, 120), preview_sender = 'visitor', last_message_at = now(),
        unread = unread + 1, waiting_since = coalesce(waiting_since, now()), version = pg_current_xact_id()
    where id = $1
    returning seq
  )
  insert into message (conversation_id, seq, id, sender_type, sender_id, client_id, body_text)
  select $1, seq, $2, 'visitor', $3, $4, $5 from c
  returning seq, created_at`;

class Store {
  constructor(pool) {
    this.pool = pool;
  }

  async open() {
    const [visitorId, conversationId] = [randomUUID(), randomUUID()];
    await this.pool.query({ name: "open", text: OPEN, values: [visitorId, conversationId] });
    return { conversationId, visitorId };
  }

  async append({ id, conversationId, visitorId, clientId, bodyText }) {
    const values = [conversationId, id, visitorId, clientId, bodyText];
    const { rows } = await this.pool.query({ name: "append", text: APPEND, values });
    return { seq: rows[0].seq, createdAt: rows[0].created_at };
  }
}

const [port, connectionString, poolSize] = process.argv.slice(2);
serve(Number(port), new Store(new pg.Pool({ connectionString, max: Number(poolSize), idleTimeoutMillis: 0 })));
