/** Who is there and what is overdue, as the reducer keeps it and the right column reads it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openOrders, ordersKnown } from '../../missions/static/missions/orders.js';
import { missing, overdueIn, overdueKnown, oversees, unknownReceipts } from '../../missions/static/missions/oversight.js';
import { KEPT, initialState, reduce } from '../../missions/static/missions/store.js';
import { names } from '../../missions/static/missions/words.js';

/** @typedef {import('../../missions/static/missions/types.js').State} State */
/** @typedef {import('../../missions/static/missions/types.js').Frame} Frame */

const HANDLER = { id: 'a1', username: 'hana', codename: 'Kestrel', role: 'handler', clearance: 'secret' };
const OPERATIVE = { id: 'a2', username: 'wim', codename: 'Wren', role: 'field-operative', clearance: 'secret' };
const LANTERN = { id: 'm1', codename: 'Lantern', objective: '', status: 'active', classification: 'restricted' };
const WREN = { codename: 'Wren', role: 'field-operative' };
const FINCH = { codename: 'Finch', role: 'analyst' };

/** @param {string} id @param {object} [change] @returns {any} */
const order = (id, change = {}) => ({
  id, kind: 'order', body: id, data: {}, author: { codename: 'Kestrel', role: 'handler' },
  classification: 'restricted', roles: [], requires_ack: true, ack_within: 60,
  created_at: '2026-01-01T10:00:00.000Z', ...change,
});

/** @param {object[]} updates @param {object} [change] @returns {Frame} */
const page = (updates, change = {}) => ({
  type: 'subscribed', id: 's', mission: 'm1', epoch: 'e1', seq: updates.length, recovered: false,
  updates: updates.map((update, place) => ({ seq: place + 1, update })), acknowledged: [], ...change,
});

/** @param {Frame[]} frames @param {State} [state] */
const after = (frames, state = initialState()) => frames.reduce(reduce, state);

/** @param {object} agent @param {object[]} [updates] */
const room = (agent, updates = [order('o1')]) => after([
  { type: 'welcome', agent, missions: [LANTERN] }, { type: '@select', mission: 'm1' }, page(updates),
]);

const PRESENT = { type: 'presence', mission: 'm1', agents: [WREN] };
const OVERDUE = { type: 'overdue', mission: 'm1', update: 'o1', agents: [WREN, FINCH] };

/** @param {State} state */
const late = (state) => overdueIn(state).map((one) => [one.update.id, ...(one.missing?.map((agent) => agent.codename) ?? ['unknown'])]);

test('presence is the whole list, each time anew', () => {
  const state = after([PRESENT], room(HANDLER));
  assert.deepEqual(state.rooms.m1?.present, [WREN]);
  assert.deepEqual(after([{ ...PRESENT, agents: [] }], state).rooms.m1?.present, []);
});

test('a reset of the log keeps who is there; a lost connection knows it no more', () => {
  const state = after([PRESENT], room(HANDLER));
  assert.deepEqual(after([page([], { id: undefined, epoch: 'e2' })], state).rooms.m1?.present, [WREN]);
  assert.equal(after([{ type: '@lost' }], state).rooms.m1?.present, null);
});

test('presence and overdue of a mission that is not held change nothing', () => {
  const state = room(HANDLER);
  for (const frame of [PRESENT, OVERDUE]) assert.equal(reduce(state, { ...frame, mission: 'm9' }), state);
});

test('another access or a lost mission takes both away', () => {
  const state = after([PRESENT, OVERDUE], room(HANDLER));
  for (const frame of [
    { type: 'access_changed', role: 'field-operative', clearance: 'restricted' },
    { type: 'unsubscribed', mission: 'm1', reason: 'access_revoked' },
    { type: '@signed_out', why: '' },
  ]) {
    assert.deepEqual(after([frame], state).rooms, {});
  }
});

test('an overdue update says who is missing until the last receipt', () => {
  const receipt = { type: 'receipt', mission: 'm1', update: 'o1', at: '2026-01-01T10:02:00.000Z' };
  const told = after([OVERDUE], room(HANDLER));
  assert.deepEqual(late(told), [['o1', 'Wren', 'Finch']]);
  const one = after([{ ...receipt, agent: WREN }], told);
  assert.deepEqual(late(one), [['o1', 'Finch']]);
  assert.deepEqual(missing(one, 'm1', order('o1')), [FINCH]);
  assert.deepEqual(late(after([{ ...receipt, agent: FINCH }], one)), []);
});

test('a receipt of an update that nobody called overdue is left alone', () => {
  const state = after([{ type: 'receipt', mission: 'm1', update: 'o1', agent: WREN, at: 'x' }], room(HANDLER));
  assert.deepEqual(state.rooms.m1?.overdue, {});
});

test('the longest overdue comes first, and a retracted one is gone with the reset', () => {
  const early = order('o2', { ack_within: 10 });
  const state = after([OVERDUE, { ...OVERDUE, update: 'o2' }], room(HANDLER, [order('o1'), early]));
  assert.deepEqual(late(state).map(([id]) => id), ['o2', 'o1']);
  const reset = after([page([early], { id: undefined, epoch: 'e2' })], state);
  assert.deepEqual([late(reset), reset.rooms.m1?.overdue], [[], {}]);
});

test('an overdue update that the log does not hold is shown once it is read', () => {
  const state = after([OVERDUE], room(HANDLER, []));
  assert.deepEqual(late(state), []);
  const read = after([{ type: '@overdue_update', mission: 'm1', update: order('o1') }], state);
  assert.deepEqual(late(read), [['o1', 'Wren', 'Finch']]);
});

/** @param {object[]} others @param {object} [change] @returns {Frame} */
const awaiting = (others, change = {}) => ({ type: '@awaiting', mission: 'm1', epoch: 'e1', me: null, others, ...change });

test('whoever comes late is told what is overdue and looks the receipts up, once', () => {
  const state = room(HANDLER, [order('o9')]);
  assert.deepEqual([overdueKnown(state), unknownReceipts(state)], [false, []]);
  const told = after([awaiting([order('o1'), order('o2')])], state);
  assert.deepEqual([overdueKnown(told), late(told)], [true, [['o1', 'unknown'], ['o2', 'unknown']]]);
  assert.deepEqual(unknownReceipts(told), [{ mission: 'm1', id: 'o1' }, { mission: 'm1', id: 'o2' }]);
  const receipts = [{ agent: WREN, at: '2026-01-01T10:00:30.000Z' }, { agent: FINCH, at: null }];
  const known = after([{ type: '@receipts', mission: 'm1', update: 'o1', receipts }], told);
  assert.deepEqual([unknownReceipts(known).map((one) => one.id), late(known)], [['o2'], [['o1', 'Finch'], ['o2', 'unknown']]]);
});

test('what is overdue stays on the page without a connection, and is looked up again after it', () => {
  const known = after([OVERDUE, { ...OVERDUE, update: 'o2' }], room(HANDLER, [order('o1'), order('o2')]));
  const lost = after([{ type: '@lost' }], known);
  assert.deepEqual(late(lost), [['o1', 'Wren', 'Finch'], ['o2', 'Wren', 'Finch']]);
  assert.deepEqual(unknownReceipts(lost), []);
  const back = after([{ type: '@asked', mission: 'm1' }, page([], { recovered: true, seq: 2 })], lost);
  const told = after([{ ...OVERDUE, update: 'o3', agents: [WREN] }, awaiting([order('o2')])], back);
  assert.deepEqual(late(told), [['o2', 'Wren', 'Finch']]);
  assert.deepEqual(Object.keys(told.rooms.m1?.overdue ?? {}).sort(), ['o2', 'o3']);
  assert.deepEqual(unknownReceipts(told), [{ mission: 'm1', id: 'o2' }]);
});

test('what was told of another numbering is void', () => {
  const state = room(HANDLER);
  assert.equal(after([awaiting([order('o1')], { epoch: 'e0' })], state), state);
});

test('orders older than the log that is held wait as well, each once, until they are acknowledged', () => {
  const state = room(OPERATIVE, [order('o5')]);
  const tail = after([page([], { id: undefined, epoch: 'e2', seq: 70, updates: [{ seq: 70, update: order('o5') }] })], state);
  assert.equal(ordersKnown(tail), false);
  const told = after([awaiting([], { epoch: 'e2', me: [order('o1', { ack_within: 30 }), order('o5')] })], tail);
  assert.deepEqual([ordersKnown(told), openOrders(told).map((one) => one.update.id)], [true, ['o1', 'o5']]);
  const done = after([{ type: 'acknowledged', update: 'o1' }], told);
  assert.deepEqual(openOrders(done).map((one) => one.update.id), ['o5']);
  const reset = after([page([order('o5')], { id: undefined, epoch: 'e3' })], told);
  assert.deepEqual([openOrders(reset).map((one) => one.update.id), reset.rooms.m1?.waiting], [['o5'], []]);
});

test('an order that falls out of a long log waits on', () => {
  const first = room(OPERATIVE, [order('o1')]);
  const message = { ...order('x'), kind: 'message', requires_ack: false };
  const frames = Array.from({ length: KEPT }, (_, place) =>
    ({ type: 'update', mission: 'm1', epoch: 'e1', seq: place + 2, update: { ...message, id: `x${place}` } }));
  const state = after(frames, first);
  assert.equal(state.rooms.m1?.entries[0]?.update.id, 'x0');
  assert.deepEqual(openOrders(state).map((one) => one.update.id), ['o1']);
});

test('who is no handler or director oversees only what is their own', () => {
  const own = order('o2', { author: WREN, kind: 'alert' });
  const state = room(OPERATIVE, [order('o1'), own]);
  assert.deepEqual([oversees(state, order('o1')), oversees(state, own)], [false, true]);
});

test('a director is asked to acknowledge only as a member, which presence tells', () => {
  const state = room({ ...HANDLER, codename: 'Meridian', role: 'director' });
  const there = (/** @type {object[]} */ agents) => openOrders(after([{ ...PRESENT, agents }], state));
  assert.deepEqual([openOrders(state), there([WREN])], [[], []]);
  assert.deepEqual(there([WREN, { codename: 'Meridian', role: 'director' }]).map((one) => one.update.id), ['o1']);
});

test('many names are counted', () => {
  const all = ['Wren', 'Finch', 'Prism', 'Heron', 'Lodge'].map((codename) => ({ codename }));
  assert.equal(names(all.slice(0, 1)), 'Wren');
  assert.equal(names(all.slice(0, 2)), 'Wren and Finch');
  assert.equal(names(all.slice(0, 4)), 'Wren, Finch, Prism and Heron');
  assert.equal(names(all), 'Wren, Finch, Prism and 2 more');
});
