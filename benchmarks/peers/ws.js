// The leanest peer: `ws` and one Redis subscription a mission, one frame a stream, built once.
// PEER_JOINED=1 writes all frames that wait for a socket at once, as HQ does; else each by itself.
// Run as: node ws.js PORT
'use strict';
const Redis = require('ioredis');
const { WebSocketServer } = require('ws');
const { streamOf } = require('./viewer');

const JOINED = process.env.PEER_JOINED === '1';
const EPOCH = process.env.PEER_EPOCH;
const subscriber = new Redis(process.env.REDIS_URL);
const missions = new Map(); // id -> Map(stream -> { sockets, waiting })
let dirty = new Set();

function header(length) {
  if (length < 126) return Buffer.from([0x81, length]);
  const head = Buffer.from([0x81, 126, 0, 0]);
  head.writeUInt16BE(length, 2);
  return head;
}

function flush() {
  const streams = dirty;
  dirty = new Set();
  for (const stream of streams) {
    const frames = Buffer.concat(stream.waiting);
    stream.waiting = [];
    for (const socket of stream.sockets) socket._socket.write(frames);
  }
}

// An event is a line of JSON, {"mission","seq":{stream: number}}, and the update's JSON.
subscriber.on('messageBuffer', (channel, data) => {
  const line = data.indexOf(10);
  const event = JSON.parse(data.latin1Slice(0, line));
  const streams = missions.get(event.mission);
  if (!streams) return;
  const update = data.utf8Slice(line + 1);
  const start = `{"type":"update","mission":"${event.mission}","epoch":"${EPOCH}","seq":`;
  for (const number in event.seq) {
    const stream = streams.get(Number(number));
    if (!stream) continue;
    const frame = Buffer.from(`${start}${event.seq[number]},"update":${update}}`);
    if (!JOINED) {
      for (const socket of stream.sockets) socket.send(frame, { binary: false });
    } else {
      stream.waiting.push(header(frame.length), frame);
      if (!dirty.size) setImmediate(flush);
      dirty.add(stream);
    }
  }
});

async function streamsOf(mission) {
  if (!missions.has(mission)) {
    missions.set(mission, new Map());
    await subscriber.subscribe(`updates:${mission}`);
  }
  return missions.get(mission);
}

const server = new WebSocketServer({
  port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096,
});
server.on('connection', async (socket, request) => {
  let number;
  try {
    number = streamOf((request.headers.authorization || '').replace('Bearer ', ''));
  } catch (error) {
    socket.close(4001);
    return;
  }
  const mission = new URL(request.url, 'http://peer').searchParams.get('missions');
  const streams = await streamsOf(mission);
  if (!streams.has(number)) streams.set(number, { sockets: new Set(), waiting: [] });
  const stream = streams.get(number);
  stream.sockets.add(socket);
  socket.on('close', () => stream.sockets.delete(socket));
  socket.send(JSON.stringify({ type: 'subscribed', mission, epoch: EPOCH, seq: 0 }));
});
