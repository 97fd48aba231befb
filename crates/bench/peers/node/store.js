// What is written and read: every act is one transaction, every statement is prepared (named).

import { readFile } from 'node:fs/promises';
import pg from 'pg';

const statement = (name, text) => ({ name, text });

const BEGIN = { text: 'BEGIN' };
const COMMIT = { text: 'COMMIT' };
const ROLLBACK = { text: 'ROLLBACK' };
const KEY_ADD = statement(
  'key_add',
  `INSERT INTO idempotency_keys (user_id, key, conversation_id, position) VALUES ($1, $2, $3, $4)
   ON CONFLICT (user_id, key) DO NOTHING`,
);
const KEY_FIND = statement(
  'key_find',
  'SELECT conversation_id, position FROM idempotency_keys WHERE user_id = $1 AND key = $2',
);
const MEMBERS = statement('members', 'SELECT user_id FROM memberships WHERE conversation_id = $1');
const COUNT_UP = statement(
  'count_up',
  `UPDATE conversations SET last_position = last_position + 1, last_message_at = $2
   WHERE id = $1 RETURNING last_position`,
);
const MESSAGE_ADD = statement(
  'message_add',
  `INSERT INTO messages (conversation_id, position, sender_id, text, pin_id, created_at)
   VALUES ($1, $2, $3, $4, $5, $6)`,
);
const EVENT_ADD = statement(
  'event_add',
  `INSERT INTO events (at, kind, actor_id, conversation_id, position) VALUES ($1, $2, $3, $4, $5)
   RETURNING seq`,
);
const READ_UP = statement(
  'read_up',
  `UPDATE memberships SET read_position = greatest(read_position, $3)
   WHERE conversation_id = $1 AND user_id = $2`,
);
const MESSAGE = `
  SELECT m.conversation_id, m.position, m.text, m.created_at, u.id AS user_id, u.username, u.full_name,
         p.id AS pin_id, p.owner_id, p.title, p.image_url
  FROM messages m JOIN users u ON u.id = m.sender_id LEFT JOIN pins p ON p.id = m.pin_id`;
const MESSAGE_AT = statement(
  'message_at',
  `${MESSAGE} WHERE m.conversation_id = $1 AND m.position = $2`,
);
const NEWEST = statement(
  'newest',
  `${MESSAGE} WHERE m.conversation_id = $1 ORDER BY m.position DESC LIMIT $2`,
);
const PIN = statement('pin', 'SELECT id, owner_id, title, image_url FROM pins WHERE id = $1');

export class Refusal extends Error {
  constructor(statusCode, message) {
    super(message);
    this.statusCode = statusCode;
  }
}

// A key that was used before: the transaction is rolled back, the first answer given again.
class Repeat extends Error {}

export class Store {
  constructor(url, connections) {
    this.pool = new pg.Pool({ connectionString: url, max: connections });
    this.people = new Map();
  }

  async open() {
    const schema = await readFile(new URL('schema.sql', import.meta.url), 'utf8');
    await this.pool.query(schema);
  }

  run(on, { name, text }, values) {
    return on.query({ name, text, values });
  }

  async transaction(act) {
    const client = await this.pool.connect();
    try {
      await client.query(BEGIN);
      const outcome = await act(client);
      await client.query(COMMIT);
      return outcome;
    } catch (error) {
      await client.query(ROLLBACK);
      throw error;
    } finally {
      client.release();
    }
  }

  async addPerson(username, fullName) {
    const text = 'INSERT INTO users (username, full_name) VALUES ($1, $2) RETURNING id, username, full_name';
    const { rows } = await this.pool.query(text, [username, fullName]);
    const [person] = rows;
    this.people.set(person.id, person);
    return person;
  }

  async addPin(owner, title, imageUrl) {
    const text = 'INSERT INTO pins (owner_id, title, image_url) VALUES ($1, $2, $3) RETURNING id';
    const { rows } = await this.pool.query(text, [owner, title, imageUrl]);
    return rows[0].id;
  }

  // The one conversation of these people, made if there is none.
  async conversationOf(people) {
    const key = [...people].sort().join(':');
    const find = statement('conversation', 'SELECT id FROM conversations WHERE creation_key = $1');
    const known = await this.run(this.pool, find, [key]);
    if (known.rows.length > 0) return known.rows[0].id;
    return this.transaction(async (client) => {
      const kind = people.length === 2 ? 'direct' : 'group';
      const made = await client.query(
        `INSERT INTO conversations (kind, creation_key) VALUES ($1, $2)
         ON CONFLICT (creation_key) DO UPDATE SET kind = excluded.kind RETURNING id`,
        [kind, key],
      );
      const { id } = made.rows[0];
      for (const person of people) {
        await client.query(
          'INSERT INTO memberships (conversation_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING',
          [id, person],
        );
      }
      return id;
    });
  }

  // One message: the key, the conversation's counter, the message and the event commit together.
  async send(sender, conversation, { text, pinId, key }) {
    const at = new Date();
    const pin = pinId ? (await this.run(this.pool, PIN, [pinId])).rows[0] : undefined;
    if (pinId && !pin) throw new Refusal(404, 'no such pin');
    return this.transaction(async (client) => {
      const members = await this.members(client, sender, conversation);
      const counted = await this.run(client, COUNT_UP, [conversation, at]);
      const position = Number(counted.rows[0].last_position);
      if (key) {
        const added = await this.run(client, KEY_ADD, [sender, key, conversation, position]);
        if (added.rowCount === 0) throw new Repeat();
      }
      const row = [conversation, position, sender, text ?? null, pinId ?? null, at];
      await this.run(client, MESSAGE_ADD, row);
      const event = [at, 'message.created', sender, conversation, position];
      const { rows } = await this.run(client, EVENT_ADD, event);
      const person = this.people.get(sender);
      const message = view({
        conversation_id: conversation,
        position,
        text: text ?? null,
        created_at: at,
        user_id: sender,
        username: person.username,
        full_name: person.full_name,
        pin_id: pin?.id ?? null,
        owner_id: pin?.owner_id,
        title: pin?.title,
        image_url: pin?.image_url,
      });
      return { message, members, seq: Number(rows[0].seq), replayed: false };
    }).catch((error) => {
      if (error instanceof Repeat) return this.replay(sender, key);
      throw error;
    });
  }

  async replay(sender, key) {
    const kept = await this.run(this.pool, KEY_FIND, [sender, key]);
    const { conversation_id: conversation, position } = kept.rows[0];
    const { rows } = await this.run(this.pool, MESSAGE_AT, [conversation, position]);
    return { message: view(rows[0]), replayed: true };
  }

  async members(client, person, conversation) {
    const { rows } = await this.run(client, MEMBERS, [conversation]);
    const members = rows.map((row) => row.user_id);
    if (!members.includes(person)) throw new Refusal(404, 'no such conversation');
    return members;
  }

  async newest(person, conversation, size) {
    await this.members(this.pool, person, conversation);
    const { rows } = await this.run(this.pool, NEWEST, [conversation, size]);
    return rows.map(view);
  }

  async markRead(person, conversation, position) {
    const at = new Date();
    return this.transaction(async (client) => {
      const members = await this.members(client, person, conversation);
      await this.run(client, READ_UP, [conversation, person, position]);
      const event = [at, 'read.updated', person, conversation, position];
      const { rows } = await this.run(client, EVENT_ADD, event);
      return { members, seq: Number(rows[0].seq), at };
    });
  }
}

function view(row) {
  return {
    conversation_id: row.conversation_id,
    position: Number(row.position),
    kind: 'user',
    sender: { id: row.user_id, username: row.username, full_name: row.full_name, profile_image: null, version: 1 },
    text: row.text,
    pin: row.pin_id
      ? { pin_id: row.pin_id, owner_id: row.owner_id, title: row.title, image_url: row.image_url, pin_state: 'live' }
      : null,
    created_at: row.created_at.toISOString(),
    deleted_at: null,
    version: 1,
  };
}
