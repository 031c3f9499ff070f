/** Commands keep until they are answered, and are sent again only when nobody answered them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Outbox } from '../../missions/static/missions/outbox.js';

const ACK = { type: 'acknowledge', id: 'a', update: 'u1' };

/** @param {boolean} live */
function box(live) {
  /** @type {any[]} */
  const left = [];
  const wire = { live };
  const outbox = new Outbox((frame) => wire.live && left.push(frame) > 0);
  return { left, wire, outbox };
}

test('an answer settles its command alone', async () => {
  const { left, outbox } = box(true);
  const first = outbox.ask(ACK);
  void outbox.ask({ ...ACK, id: 'b' });
  assert.equal(outbox.received({ type: 'acknowledged', id: 'x', update: 'u1' }), false);
  assert.equal(outbox.received({ type: 'acknowledged', id: 'a', update: 'u1' }), true);
  assert.equal((await first).refusal, undefined);
  outbox.resend();
  assert.deepEqual(left.map((frame) => frame.id), ['a', 'b', 'b']);
  outbox.drop({ code: 'x', message: '' });
});

test('a refusal comes back with its words', async () => {
  const { outbox } = box(true);
  const asked = outbox.ask(ACK);
  outbox.received({ type: 'error', id: 'a', code: 'forbidden', message: 'No.', field: 'kind' });
  assert.deepEqual(await asked, { refusal: { code: 'forbidden', message: 'No.', field: 'kind' } });
});

test('what could not leave leaves when the room is live again', () => {
  const { left, wire, outbox } = box(false);
  void outbox.ask(ACK);
  assert.deepEqual(left, []);
  wire.live = true;
  outbox.resend();
  assert.deepEqual(left, [ACK]);
  outbox.drop({ code: 'x', message: '' });
});
