// The HTTP side: the paths and shapes of Pinwire that the bench uses.

import { randomBytes } from 'node:crypto';
import Fastify from 'fastify';
import { Live } from './live.js';
import { Refusal, Store } from './store.js';

const port = Number(process.env.PEER_PORT ?? 8090);
const connections = Number(process.env.PEER_CONNECTIONS ?? 16);
const store = new Store(process.env.PEER_DATABASE_URL, connections);
const live = new Live(process.env.PEER_REDIS_URL);
const tokens = new Map();

const string = { type: 'string' };
const nullable = { type: 'string', nullable: true };
const person = {
  type: 'object',
  properties: { id: string, username: string, full_name: string, profile_image: nullable, version: { type: 'integer' } },
};
const pin = {
  type: 'object',
  nullable: true,
  properties: { pin_id: string, owner_id: string, title: nullable, image_url: string, pin_state: string },
};
const message = {
  type: 'object',
  properties: {
    conversation_id: string,
    position: { type: 'integer' },
    kind: string,
    sender: person,
    text: nullable,
    pin,
    created_at: string,
    deleted_at: nullable,
    version: { type: 'integer' },
  },
};
const page = {
  type: 'object',
  properties: { items: { type: 'array', items: message }, bookmark: nullable },
};

const app = Fastify({ logger: false });
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) => {
  done(null, Object.fromEntries(new URLSearchParams(body)));
});

function bearer(request) {
  const found = tokens.get(request.headers.authorization?.slice('Bearer '.length));
  if (!found) throw new Refusal(401, 'no access token, or one that is not valid');
  return found;
}

function tell({ message, members, seq }) {
  const data = { conversation_id: message.conversation_id, message };
  live.publish('message.created', seq, members, { at: message.created_at, data });
}

app.get('/readyz', async () => ({ status: 'ready' }));

app.post('/v5/accounts', async (request, reply) => {
  const { username, full_name: fullName } = request.body;
  reply.code(201);
  return store.addPerson(username, fullName);
});

// Signing in is not what is compared: any password will do, and a token renews itself.
app.post('/v5/oauth/token', async (request) => {
  const { username, refresh_token: renewed } = request.body;
  const known = [...store.people.values()].find((it) => it.username === username);
  const found = known ?? tokens.get(renewed);
  if (!found) throw new Refusal(401, 'wrong username or password');
  const token = renewed ?? randomBytes(24).toString('base64url');
  tokens.set(token, found);
  return { access_token: token, token_type: 'bearer', expires_in: 86_400, refresh_token: token };
});

app.post('/v5/pins', async (request, reply) => {
  const owner = bearer(request);
  const { title, media_source: source } = request.body;
  reply.code(201);
  return { id: await store.addPin(owner.id, title, source.url), title };
});

app.post('/v5/pins/:pin/send', async (request, reply) => {
  const sender = bearer(request);
  const { recipients, mode, text } = request.body;
  const key = request.headers['idempotency-key'];
  const others = recipients.map((it) => it.user_id);
  const groups = mode === 'group' ? [others] : others.map((other) => [other]);
  const results = [];
  for (const [place, group] of groups.entries()) {
    const conversation = await store.conversationOf([sender.id, ...group]);
    const sent = await store.send(sender.id, conversation, {
      text,
      pinId: request.params.pin,
      key: key && groups.length > 1 ? `${key}/${place}` : key,
    });
    if (!sent.replayed) tell(sent);
    results.push({ recipients: [place], status: 'sent', conversation_id: conversation, message: sent.message });
  }
  reply.code(201);
  return { results };
});

app.post('/v5/conversations/:id/messages', { schema: { response: { 201: message } } }, async (request, reply) => {
  const sender = bearer(request);
  const { text, pin_id: pinId, client_message_id: mark } = request.body;
  const key = request.headers['idempotency-key'] ?? mark;
  const sent = await store.send(sender.id, request.params.id, { text, pinId, key });
  if (!sent.replayed) tell(sent);
  reply.code(201);
  return sent.message;
});

app.get('/v5/conversations/:id/messages', { schema: { response: { 200: page } } }, async (request) => {
  const reader = bearer(request);
  const size = Math.min(Number(request.query.page_size ?? 25), 250);
  return { items: await store.newest(reader.id, request.params.id, size), bookmark: null };
});

app.put('/v5/conversations/:id/read', async (request, reply) => {
  const reader = bearer(request);
  const { id } = request.params;
  const { position } = request.body;
  const { members, seq, at } = await store.markRead(reader.id, id, position);
  const data = { conversation_id: id, read: { user_id: reader.id, position } };
  live.publish('read.updated', seq, members, { at: at.toISOString(), data });
  reply.code(204);
});

app.server.on('upgrade', (request, stream, head) => {
  const found = tokens.get(request.headers.authorization?.slice('Bearer '.length));
  if (!found) {
    stream.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  live.accept(request, stream, head, found);
});

await store.open();
await live.open();
await app.listen({ host: '127.0.0.1', port });
console.log(`peer listens on http://127.0.0.1:${port}`);
