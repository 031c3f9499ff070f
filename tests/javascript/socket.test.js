/** The state machine of the connection, on sockets and timers that the test holds in its hands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { afterClose, jittered } from '../../missions/static/missions/backoff.js';
import { Connection } from '../../missions/static/missions/socket.js';

/** What the machine touches of the world, and what it did there. */
class Bench {
  /** @type {any[]} */ sockets = [];
  /** @type {any[]} */ frames = [];
  /** @type {any[]} */ links = [];
  /** @type {string[]} */ renewals = [];
  /** @type {{run: () => void, ms: number}[]} */ timers = [];
  /** @type {'ok' | 'refused' | 'unavailable'} */ standing = 'ok';
  renewal = /** @type {'ok' | 'refused' | 'unavailable'} */ ('ok');
  connection = new Connection({
    open: () => {
      const socket = { readyState: 1, sent: /** @type {any[]} */ ([]), send: (/** @type {string} */ text) => socket.sent.push(JSON.parse(text)), close: () => {} };
      this.sockets.push(socket);
      return /** @type {any} */ (socket);
    },
    check: async () => this.standing,
    renew: async () => {
      this.renewals.push('renew');
      return this.renewal;
    },
    ticket: async () => 'ticket-1',
    onFrame: (frame) => this.frames.push(frame),
    onLink: (link) => this.links.push(link),
    now: () => 0,
    after: (run, ms) => {
      const timer = { run, ms };
      this.timers.push(timer);
      return timer;
    },
    cancel: (timer) => { this.timers = this.timers.filter((one) => one !== timer); },
    random: () => 0.5,
  });

  get socket() {
    return this.sockets.at(-1);
  }

  get state() {
    return this.links.at(-1).state;
  }

  /** @param {object} frame */
  receive(frame) {
    this.socket.onmessage({ data: JSON.stringify(frame) });
  }

  /** @param {number} code @param {string} [reason] */
  async close(code, reason = '') {
    this.socket.onclose({ code, reason });
    await settled();
  }

  /** Fires the timer that waits this long. @param {number} ms */
  async fire(ms) {
    const timer = this.timers.find((one) => one.ms === ms);
    assert.ok(timer, `no timer of ${ms} ms among ${this.timers.map((one) => one.ms)}`);
    this.timers = this.timers.filter((one) => one !== timer);
    timer.run();
    await settled();
  }
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

async function started() {
  const bench = new Bench();
  bench.connection.start();
  await settled();
  return bench;
}

async function welcomed() {
  const bench = await started();
  bench.receive({ type: 'welcome', expires_at: '2099-01-01T00:00:00.000Z' });
  return bench;
}

test('it is live with the welcome, and sends only then', async () => {
  const bench = await started();
  assert.equal(bench.connection.send({ type: 'ping' }), false);
  bench.receive({ type: 'welcome' });
  assert.equal(bench.state, 'live');
  assert.equal(bench.connection.send({ type: 'ping' }), true);
});

test('a lost connection is said, waited for, and tried again', async () => {
  const bench = await welcomed();
  await bench.close(1006);
  assert.deepEqual(bench.links.at(-1), { state: 'reconnecting', at: 250, why: '' });
  await bench.fire(250);
  assert.equal(bench.sockets.length, 2);
  bench.receive({ type: 'welcome' });
  assert.equal(bench.state, 'live');
});

test('the button does not wait', async () => {
  const bench = await welcomed();
  await bench.close(1012);
  bench.connection.retryNow();
  bench.connection.retryNow();
  assert.equal(bench.sockets.length, 2);
});

test('an expired credential is renewed before coming back', async () => {
  const bench = await welcomed();
  await bench.close(4001, 'Unauthorized: Token Expired');
  assert.deepEqual(bench.renewals, ['renew']);
  await bench.fire(0);
  assert.equal(bench.sockets.length, 2);
});

test('a refused renewal signs out and says why', async () => {
  const bench = await welcomed();
  bench.renewal = 'refused';
  await bench.close(4001);
  assert.deepEqual(bench.links.at(-1), { state: 'signed_out', why: 'Your session has ended.' });
  assert.deepEqual(bench.timers, []);
});

test('a visitor who was never logged in is signed out without a reason and without a socket', async () => {
  const bench = new Bench();
  bench.standing = 'refused';
  bench.connection.start();
  await settled();
  assert.deepEqual(bench.links.at(-1), { state: 'signed_out', why: '' });
  assert.deepEqual(bench.sockets, []);
});

test('while HQ is away it waits and looks again', async () => {
  const bench = new Bench();
  bench.standing = 'unavailable';
  bench.connection.start();
  await settled();
  bench.standing = 'ok';
  await bench.fire(500);
  assert.equal(bench.sockets.length, 1);
});

test('a server that refuses fresh credentials is not asked for ever', async () => {
  const bench = await started();
  for (const wait of [0, 500, 1000]) {
    await bench.close(4001);
    await bench.fire(wait);
  }
  await bench.close(4001);
  assert.equal(bench.state, 'signed_out');
  assert.equal(bench.renewals.length, 3);
});

test('an unavailable renewal is tried again later', async () => {
  const bench = await welcomed();
  bench.renewal = 'unavailable';
  await bench.close(4001);
  assert.equal(bench.state, 'reconnecting');
  await bench.fire(500);
  assert.equal(bench.sockets.length, 2);
});

test('an ended session signs out with the reason of the close frame', async () => {
  const bench = await welcomed();
  await bench.close(4003, 'Session ended by an administrator.');
  assert.deepEqual(bench.links.at(-1), { state: 'signed_out', why: 'Session ended by an administrator.' });
});

test('before the expiry it renews the cookie, takes a ticket and refreshes in place', async () => {
  const bench = await welcomed();
  bench.receive({ type: 'token_expiring', expires_in: 60 });
  await bench.fire(2_500);
  await settled();
  assert.deepEqual(bench.renewals, ['renew']);
  assert.deepEqual(bench.socket.sent, [{ type: 'refresh', ticket: 'ticket-1' }]);
  assert.equal(bench.sockets.length, 1);
});

test('a socket that does not answer a ping is given up', async () => {
  const bench = await welcomed();
  bench.connection.probe();
  assert.deepEqual(bench.socket.sent, [{ type: 'ping' }]);
  await bench.fire(8_000);
  assert.equal(bench.state, 'reconnecting');
});

test('an answer keeps it, and frames of a socket given up are not heard', async () => {
  const bench = await welcomed();
  bench.connection.probe();
  bench.receive({ type: 'pong' });
  assert.ok(!bench.timers.some((timer) => timer.ms === 8_000));
  const old = bench.socket;
  await bench.close(1006);
  old.onmessage({ data: '{"type":"update"}' });
  assert.deepEqual(bench.frames.map((frame) => frame.type), ['welcome', 'pong']);
});

test('the wait is random between nothing and a bound that doubles up to 30 s', () => {
  assert.deepEqual([0, 1, 2, 20].map((attempt) => jittered(attempt, () => 1)), [500, 1000, 2000, 30_000]);
  assert.equal(jittered(9, () => 0), 0);
});

test('each close code has the answer of the protocol', () => {
  const half = () => 0.5;
  assert.equal(afterClose(4008, '', 0, half).delay, 0);
  assert.ok(afterClose(4009, '', 0, half).delay >= 10_000);
  assert.ok(afterClose(4009, '', 0, half).why);
  assert.ok(afterClose(4029, '', 0, half).delay >= 2_000);
  assert.equal(afterClose(1009, '', 0, half).drop, true);
  for (const code of [1000, 1001, 1006, 1011, 1012, 1013]) {
    assert.deepEqual(afterClose(code, '', 0, half), { does: 'retry', delay: 250, drop: false, why: '' });
  }
});

test('a second factor that is missing bars it, without another try, until one is set', async () => {
  const bench = await started();
  bench.receive({ type: 'auth_failed', code: 'forbidden', message: 'Set one.' });
  await bench.close(4001, 'Unauthorized: Invalid Token');
  assert.deepEqual(bench.links.at(-1), { state: 'barred', why: 'Set one.' });
  assert.deepEqual([bench.timers, bench.renewals, bench.sockets.length], [[], [], 1]);
  bench.connection.retryNow();
  bench.connection.enrolled();
  await settled();
  bench.receive({ type: 'welcome' });
  assert.deepEqual([bench.state, bench.sockets.length], ['live', 2]);
  bench.connection.enrolled();
  await settled();
  assert.equal(bench.sockets.length, 2);
});
