/** Who is there and what is overdue, as the reducer keeps it and the right column reads it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openOrders } from '../../missions/static/missions/orders.js';
import { missing, overdueIn, oversees, unknownReceipts } from '../../missions/static/missions/oversight.js';
import { initialState, reduce } from '../../missions/static/missions/store.js';
import { names } from '../../missions/static/missions/words.js';

/** @typedef {import('../../missions/static/missions/types.js').State} State */
/** @typedef {import('../../missions/static/missions/types.js').Frame} Frame */

const HANDLER = { id: 'a1', username: 'hana', codename: 'Kestrel', role: 'handler', clearance: 'secret' };
const OPERATIVE = { id: 'a2', username: 'wim', codename: 'Wren', role: 'field-operative', clearance: 'secret' };
const LANTERN = { id: 'm1', codename: 'Lantern', objective: '', status: 'active', classification: 'restricted' };
const WREN = { codename: 'Wren', role: 'field-operative' };
const FINCH = { codename: 'Finch', role: 'analyst' };
const START = Date.parse('2026-01-01T10:00:00.000Z');
const DUE = START + 60_000;

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
const late = (state) => overdueIn(state).map((one) => [one.update.id, ...one.missing.map((agent) => agent.codename)]);

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

test('whoever comes late looks the receipts up, once, of what is past its time', () => {
  const state = room(HANDLER, [order('o1'), order('o2', { ack_within: null }), order('o3', { ack_within: 600 })]);
  assert.deepEqual(unknownReceipts(state, DUE - 1), []);
  assert.deepEqual(unknownReceipts(state, DUE).map((one) => one.id), ['o1']);
  const receipts = [{ agent: WREN, at: '2026-01-01T10:00:30.000Z' }, { agent: FINCH, at: null }];
  const known = after([{ type: '@receipts', mission: 'm1', update: 'o1', receipts }], state);
  assert.deepEqual([unknownReceipts(known, DUE), late(known)], [[], [['o1', 'Finch']]]);
  const lost = after([{ type: '@lost' }], known);
  assert.deepEqual([unknownReceipts(lost, DUE), late(lost)], [[], []]);
});

test('who is no handler or director oversees only what is their own', () => {
  const own = order('o2', { author: WREN, kind: 'alert' });
  const state = room(OPERATIVE, [order('o1'), own]);
  assert.deepEqual([oversees(state, order('o1')), oversees(state, own)], [false, true]);
  assert.deepEqual(unknownReceipts(state, DUE).map((one) => one.id), ['o2']);
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
