// Delivery: events go through Redis to every node, and from there to the sockets of the members.

import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';

const CHANNEL = 'events';
const PING_EVERY_MS = 25_000;

export class Live {
  constructor(redisUrl) {
    this.sockets = new Map();
    this.last = 0;
    this.server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    this.publisher = new Redis(redisUrl);
    this.subscriber = new Redis(redisUrl);
  }

  async open() {
    this.subscriber.on('message', (_, text) => this.deliver(JSON.parse(text)));
    await this.subscriber.subscribe(CHANNEL);
    setInterval(() => this.ping(), PING_EVERY_MS).unref();
  }

  // Tells all nodes of an event; `rest` is the frame after `prev`, made once for everybody.
  publish(type, seq, members, rest) {
    const told = JSON.stringify({ type, seq, members, rest: JSON.stringify(rest).slice(1) });
    this.publisher.publish(CHANNEL, told).catch((error) => console.error(error));
  }

  deliver({ type, seq, members, rest }) {
    this.last = Math.max(this.last, seq);
    for (const member of members) {
      for (const socket of this.sockets.get(member) ?? []) {
        socket.send(`{"type":"${type}","seq":${seq},"prev":${socket.prev},${rest}`);
        socket.prev = seq;
      }
    }
  }

  accept(request, stream, head, person) {
    this.server.handleUpgrade(request, stream, head, (socket) => {
      socket.prev = this.last;
      const own = this.sockets.get(person.id) ?? new Set();
      this.sockets.set(person.id, own.add(socket));
      socket.on('close', () => {
        own.delete(socket);
        if (own.size === 0) this.sockets.delete(person.id);
      });
      socket.on('error', () => socket.terminate());
      socket.on('message', () => {});
      socket.send(JSON.stringify({ type: 'hello', epoch: 'peer', seq: socket.prev, user: person }));
    });
  }

  ping() {
    for (const own of this.sockets.values()) {
      for (const socket of own) socket.send(`{"type":"ping","seq":${socket.prev}}`);
    }
  }
}
