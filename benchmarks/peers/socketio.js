// Socket.IO with its Redis adapter: a room for each stream of each mission, an update broadcast
// once to all the rooms that may see it. Run as: node socketio.js PORT
'use strict';
const http = require('http');
const { Server } = require('socket.io');
const { createAdapter } = require('@socket.io/redis-adapter');
const { createClient } = require('redis');
const { streamOf } = require('./viewer');

async function main() {
  const publisher = createClient({ url: process.env.REDIS_URL });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const server = http.createServer();
  const io = new Server(server, {
    transports: ['websocket'],
    adapter: createAdapter(publisher, subscriber),
  });
  io.use((socket, next) => {
    try {
      socket.data.stream = streamOf(socket.handshake.auth.token);
      next();
    } catch (error) {
      next(new Error('refused'));
    }
  });
  io.on('connection', async (socket) => {
    const { mission } = socket.handshake.auth;
    await socket.join(`${mission}:${socket.data.stream}`);
    socket.emit('subscribed', { mission, epoch: process.env.PEER_EPOCH, seq: 0 });
  });
  server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
}

main();
