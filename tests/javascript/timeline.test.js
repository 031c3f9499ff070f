/** What the log shows of a room, and the words beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { due } from '../../missions/static/missions/clock.js';
import { openOrders } from '../../missions/static/missions/orders.js';
import { EMPTY_ROOM, initialState } from '../../missions/static/missions/store.js';
import { hiddenBy, highestOf, rowsOf } from '../../missions/static/missions/timeline.js';
import { classificationsBetween, kindsFor, rolesInWords, span } from '../../missions/static/missions/words.js';

/** @param {number} seq @param {object} [change] @returns {any} */
const entry = (seq, change = {}) => ({
  seq,
  update: {
    id: `u${seq}`, kind: 'message', body: `body ${seq}`, data: {}, author: { codename: 'Wren', role: 'analyst' },
    classification: 'restricted', roles: [], requires_ack: false, ack_within: null,
    created_at: `2026-01-0${seq}T10:00:00.000Z`, ...change,
  },
});

const SAME_DAY = { created_at: '2026-01-01T10:00:00.000Z' };
const KESTREL = { author: { codename: 'Kestrel', role: 'handler' } };

/** @param {any[]} entries @param {object} [change] @param {string} [filter] */
const rows = (entries, change = {}, filter = '') =>
  rowsOf({ ...EMPTY_ROOM, epoch: 'e', entries, ...change }, filter, (time) => time.slice(0, 10));

/** @param {import('../../missions/static/missions/timeline.js').Row[]} all */
const shape = (all) => all.map((row) => (row.type === 'entry' ? row.update.id : row.type)).join(' ');

test('an author has one head for a run, and a new one each day', () => {
  assert.equal(shape(rows([entry(1), entry(2, SAME_DAY), entry(3, { ...SAME_DAY, ...KESTREL })])), 'day head u1 u2 head u3');
  assert.equal(shape(rows([entry(1), entry(2)])), 'day head u1 day head u2');
});

test('a status line stands alone and ends a run', () => {
  assert.equal(shape(rows([entry(1), entry(2, { ...SAME_DAY, kind: 'status' }), entry(3, SAME_DAY)])), 'day head u1 u2 head u3');
});

test('a resumed connection leaves one line where the missed updates begin', () => {
  const two = [entry(1), entry(2, SAME_DAY)];
  assert.equal(shape(rows(two, { resumed: { after: 1, count: 1, at: 5 } })), 'day head u1 resumed head u2');
  assert.equal(shape(rows(two, { resumed: { after: 2, count: 0, at: 5 } })), 'day head u1 u2 resumed');
});

test('own updates that the stream lacks stand at their time', () => {
  const mine = { ...entry(9).update, created_at: '2026-01-01T12:00:00.000Z' };
  assert.equal(shape(rows([entry(1), entry(2)], { sent: [mine] })), 'day head u1 u9 day head u2');
});

test('the filter wants all words, in any of body, author, kind and classification', () => {
  const all = [entry(1, { body: 'Fire at the pier' }), entry(2, { ...SAME_DAY, kind: 'alert', body: 'Fire' })];
  assert.equal(shape(rows(all, {}, 'FIRE alert')), 'day head u2');
  assert.equal(shape(rows(all, {}, 'wren pier')), 'day head u1');
});

test('what the filter hides is counted, and what is urgent and new among it', () => {
  const alert = { ...SAME_DAY, kind: 'alert' };
  const room = { ...EMPTY_ROOM, epoch: 'e', entries: [entry(1, alert), entry(2, SAME_DAY), entry(3, alert), entry(4, { ...alert, body: 'Fire' })] };
  assert.deepEqual(hiddenBy(room, 'fire', 2), { hidden: 3, urgent: 1 });
});

test('the banner has the highest classification that is shown', () => {
  assert.equal(highestOf(rows([entry(1), entry(2, { classification: 'secret' })]), 'confidential'), 'secret');
  assert.equal(highestOf([], 'confidential'), 'confidential');
  assert.equal(highestOf([], 'restricted', ['secret', 'restricted']), 'secret');
});

test('open orders are those of others, unacknowledged, the most pressing first', () => {
  const order = { ...SAME_DAY, ...KESTREL, requires_ack: true };
  const state = {
    ...initialState(),
    agent: /** @type {any} */ ({ codename: 'Wren', role: 'analyst' }),
    rooms: {
      m1: {
        ...EMPTY_ROOM, acknowledged: { u3: /** @type {true} */ (true) },
        entries: [entry(1, order), entry(2, { ...order, ack_within: 60 }), entry(3, order), entry(4, { ...order, author: { codename: 'Wren', role: 'analyst' } })],
      },
    },
  };
  assert.deepEqual(openOrders(state).map(({ update }) => update.id), ['u2', 'u1']);
});

test('an order says when it is due and by how much it is late', () => {
  const at = '2026-01-01T10:00:00.000Z';
  assert.deepEqual(due(at, 600, Date.parse(at) + 300_000), { text: 'due in 5 min', overdue: false });
  assert.deepEqual(due(at, 600, Date.parse(at) + 660_000), { text: 'overdue by 1 min', overdue: true });
});

test('the composer offers what the role and the clearances allow', () => {
  assert.ok(kindsFor('handler').includes('order'));
  assert.ok(!kindsFor('field-operative').includes('order') && !kindsFor('analyst').includes('status'));
  assert.deepEqual(classificationsBetween('confidential', 'secret'), ['confidential', 'secret']);
  assert.deepEqual(classificationsBetween('secret', 'restricted'), []);
});

test('roles and spans of time read as words', () => {
  assert.equal(rolesInWords(['field-operative', 'handler']), 'handlers and field operatives');
  assert.equal(rolesInWords(['analyst']), 'analysts');
  assert.deepEqual([5, 65, 4800, 7200].map(span), ['5 s', '1 min', '1 h 20 min', '2 h']);
});
