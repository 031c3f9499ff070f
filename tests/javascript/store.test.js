/** The client's rules of the protocol, as the reducer keeps them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KEPT, ROOMS, initialState, reduce, wanted } from '../../missions/static/missions/store.js';

/** @typedef {import('../../missions/static/missions/types.js').State} State */
/** @typedef {import('../../missions/static/missions/types.js').Frame} Frame */

const AGENT = { id: 'a1', username: 'hana', codename: 'Kestrel', role: 'handler', clearance: 'secret' };
const LANTERN = { id: 'm1', codename: 'Lantern', objective: '', status: 'active', classification: 'restricted' };
const ORCHARD = { ...LANTERN, id: 'm2', codename: 'Orchard' };
const CLOSED = { ...LANTERN, id: 'm3', codename: 'Ledger', status: 'completed' };

/** @param {string} id @param {object} [change] */
const update = (id, change = {}) => ({
  id, kind: 'message', body: id, data: {}, author: { codename: 'Wren', role: 'field-operative' },
  classification: 'restricted', roles: [], requires_ack: false, ack_within: null,
  created_at: '2026-01-01T10:00:00.000Z', ...change,
});

/** @param {number} from @param {number} to */
const numbered = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, place) => ({ seq: from + place, update: update(`u${from + place}`) }));

/** @param {number} from @param {number} to @param {object} [change] @returns {Frame} */
const page = (from, to, change = {}) => ({
  type: 'subscribed', id: 's', mission: 'm1', epoch: 'e1', seq: to, recovered: false,
  updates: numbered(from, to), acknowledged: [], ...change,
});

/** @param {number} seq @param {object} [change] @returns {Frame} */
const live = (seq, change = {}) => ({ type: 'update', mission: 'm1', epoch: 'e1', seq, update: update(`u${seq}`), ...change });

/** @param {Frame[]} frames @param {State} [state] */
const after = (frames, state = initialState()) => frames.reduce(reduce, state);

const WELCOME = { type: 'welcome', agent: AGENT, missions: [LANTERN, ORCHARD, CLOSED] };
const SELECT = { type: '@select', mission: 'm1' };
const LIVE = after([WELCOME, SELECT, { type: '@asked', mission: 'm1' }, page(1, 3)]);

/** @param {State} state */
const ids = (state) => state.rooms.m1?.entries.map((entry) => entry.update.id);

test('a snapshot replaces what is held', () => {
  const state = after([page(7, 9, { id: undefined, epoch: 'e2' })], LIVE);
  assert.deepEqual(ids(state), ['u7', 'u8', 'u9']);
  assert.equal(state.rooms.m1?.epoch, 'e2');
  assert.equal(state.rooms.m1?.resumed, null);
});

test('live updates append in order, each once', () => {
  const state = after([live(4), live(4), live(3), live(5)], LIVE);
  assert.deepEqual(ids(state), ['u1', 'u2', 'u3', 'u4', 'u5']);
});

test('a hole asks for what follows the last entry and shows nothing out of order', () => {
  const state = after([live(5)], LIVE);
  assert.deepEqual(ids(state), ['u1', 'u2', 'u3']);
  assert.deepEqual(wanted(state)[0], { mission: 'm1', after: 'u3', epoch: 'e1' });
});

test('what arrives while a page is asked for is left to the page', () => {
  const asked = after([live(5), { type: '@asked', mission: 'm1' }, live(6)], LIVE);
  const state = after([page(4, 6, { recovered: true })], asked);
  assert.deepEqual(ids(state), ['u1', 'u2', 'u3', 'u4', 'u5', 'u6']);
});

test('an update of a foreign epoch is not shown; the room is asked for again', () => {
  const state = after([live(4, { epoch: 'e9' })], LIVE);
  assert.deepEqual(ids(state), ['u1', 'u2', 'u3']);
  assert.equal(state.rooms.m1?.sync, 'stale');
});

test('a recovered page continues without doubles and marks the place', () => {
  const lost = after([{ type: '@lost' }, { type: '@asked', mission: 'm1' }], LIVE);
  const state = after([page(4, 5, { recovered: true, at: 77 })], lost);
  assert.deepEqual(ids(state), ['u1', 'u2', 'u3', 'u4', 'u5']);
  assert.deepEqual(state.rooms.m1?.resumed, { after: 3, count: 2, at: 77 });
});

test('a recovered page that does not follow is refused for a whole one', () => {
  const lost = after([{ type: '@lost' }, { type: '@asked', mission: 'm1' }], LIVE);
  const state = after([page(5, 6, { recovered: true })], lost);
  assert.deepEqual(ids(state), ['u1', 'u2', 'u3']);
  assert.deepEqual(wanted(state)[0], { mission: 'm1' });
});

test('an empty log resumes from its start', () => {
  const empty = after([WELCOME, SELECT, page(1, 0), { type: '@lost' }]);
  assert.deepEqual(wanted(empty)[0], { mission: 'm1', after: null, epoch: 'e1' });
  assert.deepEqual(ids(after([page(1, 2, { recovered: true })], empty)), ['u1', 'u2']);
});

test('open missions and the selected one are wanted, the selected one first', () => {
  const state = after([WELCOME, { type: '@select', mission: 'm3' }]);
  assert.deepEqual(wanted(state).map((want) => want.mission), ['m3', 'm1', 'm2']);
});

test('no more rooms are kept live than the server gives by itself', () => {
  const many = Array.from({ length: 80 }, (_, place) => ({ ...LANTERN, id: `n${place}` }));
  assert.equal(wanted(after([{ ...WELCOME, missions: many }])).length, ROOMS);
});

test('an update on a page that nobody sees is unread until it is seen', () => {
  const state = after([live(4, { unseen: true })], LIVE);
  assert.equal(state.rooms.m1?.unread, 1);
  assert.equal(after([{ type: '@seen', mission: 'm1' }], state).rooms.m1?.unread, 0);
});

test('a lost connection keeps what is shown and asks for each room once', () => {
  const lost = after([{ type: '@lost' }], LIVE);
  assert.deepEqual(ids(lost), ['u1', 'u2', 'u3']);
  const asked = after(wanted(lost).map(({ mission }) => ({ type: '@asked', mission })), lost);
  assert.deepEqual(wanted(asked), []);
});

test('published and the own update come in either order and are one entry', () => {
  const own = update('mine', { author: { codename: 'Kestrel', role: 'handler' } });
  const published = { type: 'published', mission: 'm1', update: own };
  const arrived = live(4, { update: own });
  for (const frames of [[published, arrived], [arrived, published]]) {
    const state = after(frames, LIVE);
    assert.deepEqual(ids(state), ['u1', 'u2', 'u3', 'mine']);
    assert.deepEqual(state.rooms.m1?.sent, []);
  }
});

test('an own update that the stream lacks is held apart, also over a new snapshot', () => {
  const own = update('mine', { roles: ['analyst'] });
  const state = after([{ type: 'published', mission: 'm1', update: own }, page(1, 4)], LIVE);
  assert.deepEqual(state.rooms.m1?.sent.map((one) => one.id), ['mine']);
});

test('an own update that was retracted or reclassified goes, and nothing else with it', () => {
  const [own, other] = [update('mine', { roles: ['analyst'] }), update('other', { roles: ['analyst'] })];
  const held = after([{ type: '@sent', mission: 'm1', updates: [own, other] }], LIVE);
  for (const state of ['retracted', 'reclassified']) {
    const gone = after([{ type: 'sent', mission: 'm1', update: 'mine', state }], held);
    assert.deepEqual(gone.rooms.m1?.sent.map((one) => one.id), ['other']);
    assert.deepEqual(ids(gone), ['u1', 'u2', 'u3']);
  }
  assert.equal(after([{ type: 'sent', mission: 'm9', update: 'mine', state: 'retracted' }], held), held);
});

test('a list of own updates lets go of what it lacks, but of nothing that it could not hold', () => {
  /** @param {string} id @param {number} hour */
  const at = (id, hour) => update(id, { roles: ['analyst'], created_at: `2026-01-01T${hour}:00:00.000Z` });
  const [early, gone, kept, late] = [at('early', 10), at('gone', 12), at('kept', 13), at('late', 14)];
  const held = after([{ type: '@sent', mission: 'm1', updates: [early, gone, kept, late] }], LIVE);
  const list = {
    type: '@sent', mission: 'm1', updates: [kept], asked: ['early', 'gone', 'kept'], since: '2026-01-01T11:00:00.000Z',
  };
  assert.deepEqual(after([list], held).rooms.m1?.sent.map((one) => one.id), ['early', 'kept', 'late']);
});

test('unread counts what others write in rooms that are not open, and ends on opening', () => {
  const ready = after([page(1, 1, { mission: 'm2' })], LIVE);
  const mine = update('x', { author: { codename: 'Kestrel', role: 'handler' } });
  const state = after([live(2, { mission: 'm2', update: mine }), live(3, { mission: 'm2' }), live(4)], ready);
  assert.equal(state.rooms.m2?.unread, 1);
  assert.equal(state.rooms.m1?.unread, 0);
  assert.equal(after([{ type: '@select', mission: 'm2' }], state).rooms.m2?.unread, 0);
});

test('an unsubscribed mission is wiped and said', () => {
  const state = after([{ type: 'unsubscribed', mission: 'm1', reason: 'access_revoked' }], LIVE);
  assert.equal(state.rooms.m1, undefined);
  assert.equal(state.missions.m1, undefined);
  assert.equal(state.selected, null);
  assert.match(state.notice, /ended/);
});

test('a change of access drops everything and says what it is now', () => {
  const state = after([{ type: 'access_changed', role: 'analyst', clearance: 'restricted' }], LIVE);
  assert.deepEqual([state.rooms, state.missions, state.listed], [{}, {}, false]);
  assert.equal(state.agent?.role, 'analyst');
  assert.equal(state.notice, 'Your access changed: Analyst, cleared for restricted.');
  const later = after([{ type: 'mission', mission: LANTERN }, page(1, 2)], state);
  assert.deepEqual([later.selected, later.listed], ['m1', true]);
  assert.deepEqual(ids(later), ['u1', 'u2']);
});

test('a mission that is granted just after a change of access stays', () => {
  const granted = { ...LANTERN, id: 'm7', codename: 'Granted' };
  const frames = [LANTERN, ORCHARD, granted].map((mission) => ({ type: 'mission', mission }));
  const state = after([{ type: 'access_changed', role: 'analyst', clearance: 'restricted' }, ...frames], LIVE);
  assert.deepEqual(Object.keys(state.missions), ['m1', 'm2', 'm7']);
  const none = after([WELCOME, { type: 'access_changed', role: 'analyst', clearance: 'secret' }, { type: 'unsubscribed', mission: 'm1', reason: 'access_revoked' }]);
  assert.equal(none.listed, true);
  const empty = after([{ ...WELCOME, missions: [] }, { type: 'access_changed', role: 'analyst', clearance: 'secret' }]);
  assert.equal(empty.listed, true);
});

test('a notice goes when it is dismissed or its reason is over', () => {
  const refused = { type: '@notice', about: 'acknowledge:u2', notice: 'Not acknowledged: no.' };
  const told = after([refused], LIVE);
  assert.equal(told.notice, 'Not acknowledged: no.');
  for (const frame of [
    { type: '@over', about: 'acknowledge:u2' }, { type: '@acknowledging', update: 'u2' },
    { type: 'acknowledged', update: 'u2' }, { type: '@select', mission: 'm2' },
  ]) assert.equal(after([frame], told).notice, '', frame.type);
  assert.equal(after([{ type: 'acknowledged', update: 'u3' }], told).notice, told.notice);
  const ended = after([{ type: 'unsubscribed', mission: 'm1', reason: 'access_revoked' }], LIVE);
  assert.equal(after([{ type: 'mission', mission: LANTERN }], ended).notice, '');
});

test('a mission gone while away is wiped by the next welcome', () => {
  const state = after([{ type: '@lost' }, { ...WELCOME, missions: [ORCHARD] }], LIVE);
  assert.equal(state.rooms.m1, undefined);
  assert.equal(state.selected, null);
});

test('a welcome as another agent, or with another clearance, keeps no room', () => {
  for (const agent of [{ ...AGENT, id: 'a2' }, { ...AGENT, clearance: 'restricted' }]) {
    assert.deepEqual(after([{ ...WELCOME, agent }], LIVE).rooms, {});
  }
});

test('an acknowledgement stands once it is confirmed, and a refused one is taken back', () => {
  const asked = after([{ type: '@acknowledging', update: 'u2' }], LIVE);
  assert.deepEqual(asked.acknowledging, { u2: true });
  const done = after([{ type: 'acknowledged', update: 'u2' }], asked);
  assert.deepEqual([done.rooms.m1?.acknowledged, done.acknowledging], [{ u2: true }, {}]);
  assert.deepEqual(after([{ type: '@not_acknowledged', update: 'u2' }], asked).acknowledging, {});
});

test('older pages go in front, without doubles, of the same epoch alone', () => {
  const tail = after([WELCOME, SELECT, page(5, 6)]);
  const older = { mission: 'm1', epoch: 'e1', seq: 6, recovered: true, updates: numbered(3, 5), acknowledged: ['u3'] };
  const state = after([{ type: '@older', page: older }], tail);
  assert.deepEqual(ids(state), ['u3', 'u4', 'u5', 'u6']);
  assert.deepEqual(state.rooms.m1?.acknowledged, { u3: true });
  assert.equal(after([{ type: '@older', page: { ...older, epoch: 'e2' } }], tail), tail);
});

test('an older page that does not join on is dropped, an empty one says nothing', () => {
  const tail = after([WELCOME, SELECT, page(9, 10)]);
  const older = { mission: 'm1', epoch: 'e1', seq: 10, recovered: true, updates: numbered(3, 6), acknowledged: ['u3'] };
  assert.equal(after([{ type: '@older', page: older }], tail), tail);
  assert.deepEqual(ids(after([{ type: '@older', page: { ...older, updates: [] } }], tail)), ['u9', 'u10']);
});

test('what was paged back to stays, without a hole, while the reader is there', () => {
  const full = after([WELCOME, SELECT, page(1, 1, { mission: 'm2' }), page(1001, KEPT + 1000)]);
  const older = { mission: 'm1', epoch: 'e1', seq: KEPT + 1000, recovered: true, updates: numbered(901, 1000), acknowledged: [] };
  const newer = (/** @type {number} */ from, /** @type {number} */ count) =>
    Array.from({ length: count }, (_, place) => live(from + place));
  const asked = after([{ type: '@older_asked', mission: 'm1' }, ...newer(KEPT + 1001, 2)], full);
  const back = after([{ type: '@older', page: older }, live(KEPT + 1003)], asked);
  assert.deepEqual(back.rooms.m1?.entries.map((entry) => entry.seq), numbered(901, KEPT + 1003).map((entry) => entry.seq));
  const parked = after(newer(KEPT + 1004, KEPT + 10), back);
  assert.equal(parked.rooms.m1?.entries.length, 2 * KEPT);
  for (const left of [{ type: '@select', mission: 'm2' }, page(KEPT + 1002, KEPT + 1003), page(1004, KEPT + 1003)]) {
    const state = after([left, ...newer(KEPT + 1004, KEPT)], back);
    assert.equal(state.rooms.m1?.entries.length, KEPT);
  }
});

test('a long shift keeps the newest entries', () => {
  const frames = Array.from({ length: KEPT + 10 }, (_, place) => live(4 + place));
  const state = after(frames, LIVE);
  assert.equal(state.rooms.m1?.entries.length, KEPT);
  assert.equal(state.rooms.m1?.entries.at(-1)?.seq, KEPT + 13);
});

test('unknown frames, names of Object and frames of unknown missions change nothing', () => {
  for (const frame of [{ type: 'weather', mission: 'm1' }, { type: 'constructor' }, live(1, { mission: 'm9' })]) {
    assert.equal(reduce(LIVE, frame), LIVE);
  }
});

test('signing out leaves nothing behind', () => {
  const state = after([{ type: '@signed_out', why: 'Your session has ended.' }], LIVE);
  assert.deepEqual(state, { ...initialState(), link: { state: 'signed_out', why: 'Your session has ended.' } });
});
