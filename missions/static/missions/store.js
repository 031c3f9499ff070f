/**
 * What the dashboard knows, as one pure reducer: `(state, frame) -> state`.
 *
 * Owns the client's rules of the protocol: snapshot, live update, hole, foreign epoch, recovery,
 * reset, wipe. Touches neither DOM nor network nor clock. Frames of the server keep their names;
 * what happens on this side starts with `@`. Unknown frames change nothing.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Room} Room
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {import('./types.js').Page} Page
 * @typedef {import('./types.js').Update} Update
 * @typedef {import('./types.js').Numbered} Numbered
 */
import { EMPTY_ROOM, initialState, withRoom, without } from './state.js';
import { MEMBERSHIP } from './membership.js';
import { OVERSIGHT } from './oversight.js';
import { asksFor, isOwn } from './orders.js';
import { byStanding, isOpen } from './words.js';

export { EMPTY_ROOM, initialState };

/** Entries kept of one mission, and as many more as were held when its reader last paged back. */
export const KEPT = 2000;
/** Rooms kept live at once: what the server subscribes by itself, and well under its frame limit. */
export const ROOMS = 50;

/** @type {Record<string, (state: State, frame: Frame) => State>} */
const RULES = {
  ...MEMBERSHIP,
  subscribed, update, published, acknowledged, sent: letGo,
  '@link': (state, frame) => ({ ...(frame.link.state === 'barred' ? initialState() : state), link: frame.link }),
  '@lost': lost,
  '@select': select,
  '@seen': (state, frame) => withRoom(state, frame.mission, { unread: 0, urgent: false }),
  '@asked': (state, frame) => withRoom(state, frame.mission, { sync: 'asked' }),
  '@again': (state, frame) => withRoom(state, frame.mission, { sync: frame.whole ? 'void' : 'stale' }),
  '@older_asked': (state, frame) =>
    withRoom(state, frame.mission, { back: state.rooms[frame.mission]?.entries.length ?? 0 }),
  '@older': older,
  '@sent': sent,
  '@awaiting': awaiting,
  '@acknowledging': (state, frame) =>
    over({ ...state, acknowledging: { ...state.acknowledging, [frame.update]: true } }, `acknowledge:${frame.update}`),
  '@not_acknowledged': (state, frame) =>
    ({ ...state, acknowledging: without(state.acknowledging, frame.update) }),
  '@notice': (state, frame) => ({ ...state, notice: frame.notice, about: frame.about }),
  '@over': (state, frame) => over(state, frame.about),
  '@signed_out': (_state, frame) =>
    ({ ...initialState(), link: { state: 'signed_out', why: frame.why } }),
};

/** The state after the frame. @param {State} state @param {Frame} frame @returns {State} */
export function reduce(state, frame) {
  const rule = Object.hasOwn(RULES, frame.type) ? RULES[frame.type] : undefined;
  if (rule) return rule(state, frame);
  const beside = Object.hasOwn(OVERSIGHT, frame.type) ? OVERSIGHT[frame.type] : undefined;
  const room = beside && state.rooms[frame.mission];
  return room ? withRoom(state, frame.mission, beside(room, frame)) : state;
}

/**
 * The subscriptions that are missing now, the selected mission first: open missions and whatever is
 * selected. `after` and `epoch` are there when what is held may be continued.
 *
 * @param {State} state
 * @returns {{mission: string, after?: string | null, epoch?: string}[]}
 */
export function wanted(state) {
  const { selected } = state;
  const live = Object.values(state.missions).filter((one) => one.id === selected || isOpen(one.status));
  live.sort((a, b) => Number(b.id === selected) - Number(a.id === selected) || byStanding(a, b));
  return live.slice(0, ROOMS).flatMap(({ id: mission }) => {
    const room = state.rooms[mission] ?? EMPTY_ROOM;
    if (room.sync === 'asked' || room.sync === 'current') return [];
    if (room.sync !== 'stale' || room.epoch === null) return [{ mission }];
    const last = room.entries[room.entries.length - 1];
    return [{ mission, after: last ? last.update.id : null, epoch: room.epoch }];
  });
}

/** @param {State} state @param {Frame} frame @returns {State} */
function subscribed(state, frame) {
  const page = /** @type {Page} */ (/** @type {unknown} */ (frame));
  const room = state.rooms[page.mission] ?? EMPTY_ROOM;
  const arrived = numbered(page);
  const follows = page.recovered && page.epoch === room.epoch && room.sync !== 'void'
    && continues(lastSeq(room), arrived, page.seq);
  if (page.recovered && !follows && room.entries.length > 0) {
    return withRoom(state, page.mission, { sync: 'void' });
  }
  const entries = follows ? [...room.entries, ...arrived] : arrived;
  const acknowledged = follows ? { ...room.acknowledged } : {};
  for (const id of page.acknowledged) acknowledged[id] = true;
  const held = new Set(entries.map((entry) => entry.update.id));
  const fresh = follows ? arrived.filter((entry) => !isOwn(state, entry.update)) : [];
  const elsewhere = state.selected !== page.mission;
  return withRoom(state, page.mission, {
    sync: 'current', epoch: page.epoch, seq: page.seq, entries, acknowledged, back: follows ? room.back : 0,
    sent: room.sent.filter((one) => !held.has(one.id)),
    overdue: follows ? room.overdue : {}, waiting: follows ? room.waiting : [], awaited: follows && room.awaited,
    unread: elsewhere ? room.unread + fresh.length : 0,
    urgent: elsewhere && (room.urgent || fresh.some(({ update: one }) => isUrgent(one))),
    resumed: follows && frame.at !== undefined
      ? { after: lastSeq(room), count: arrived.length, at: frame.at } : null,
  });
}

/** @param {State} state @param {Frame} frame @returns {State} */
function update(state, frame) {
  const room = state.rooms[frame.mission];
  if (!room || room.sync !== 'current') return state;
  if (frame.epoch !== room.epoch) return withRoom(state, frame.mission, { sync: 'stale' });
  if (frame.seq <= room.seq) return state;
  if (frame.seq !== room.seq + 1) return withRoom(state, frame.mission, { sync: 'stale' });
  const one = /** @type {Update} */ (frame.update);
  const counts = (state.selected !== frame.mission || frame.unseen === true) && !isOwn(state, one);
  const all = [...room.entries, { seq: frame.seq, update: one }];
  const most = KEPT + room.back;
  const gone = all.slice(0, -most).map((entry) => entry.update).filter((old) => asksFor(state, frame.mission, old));
  return withRoom(state, frame.mission, {
    seq: frame.seq,
    entries: all.slice(-most),
    waiting: gone.length ? [...room.waiting, ...gone] : room.waiting,
    sent: room.sent.filter((mine) => mine.id !== one.id),
    unread: room.unread + Number(counts),
    urgent: room.urgent || (counts && isUrgent(one)),
  });
}

/** @param {State} state @param {Frame} frame @returns {State} */
function published(state, frame) {
  return sent(state, { type: '@sent', mission: frame.mission, updates: [frame.update] });
}

/**
 * Own updates that the stream may lack, merged by id. A list of them (`asked`: what was held when it
 * was asked for, `since`: how far back it goes) lets go of what it lacks.
 * @param {State} state @param {Frame} frame @returns {State}
 */
function sent(state, frame) {
  const room = state.rooms[frame.mission] ?? EMPTY_ROOM;
  const listed = /** @type {Update[]} */ (frame.updates);
  const ids = new Set(listed.map((one) => one.id));
  const kept = room.sent.filter((one) =>
    ids.has(one.id) || !frame.asked?.includes(one.id) || one.created_at < frame.since);
  const held = new Set([...room.entries.map((entry) => entry.update.id), ...kept.map((one) => one.id)]);
  const fresh = listed.filter((one) => !held.has(one.id));
  return fresh.length || kept.length < room.sent.length
    ? withRoom(state, frame.mission, { sent: [...kept, ...fresh] }) : state;
}

/** An own update that the stream lacks was retracted or reclassified. @param {State} state @param {Frame} frame @returns {State} */
function letGo(state, frame) {
  const room = state.rooms[frame.mission];
  return room ? withRoom(state, frame.mission, {
    sent: room.sent.filter((one) => one.id !== frame.update), overdue: without(room.overdue, frame.update),
  }) : state;
}

/**
 * Only a page that joins on is taken: since it was asked for, what is held may have lost its start or
 * been replaced. @param {State} state @param {Frame} frame @returns {State}
 */
function older(state, frame) {
  const page = /** @type {Page} */ (frame.page);
  const room = state.rooms[page.mission];
  const first = room?.entries[0];
  if (!room || !first || page.epoch !== room.epoch) return state;
  const before = numbered(page).filter((entry) => entry.seq < first.seq);
  const last = before[before.length - 1];
  if (last && last.seq + 1 !== first.seq) return state;
  const acknowledged = { ...room.acknowledged };
  for (const id of page.acknowledged) acknowledged[id] = true;
  return over(withRoom(state, page.mission, { entries: [...before, ...room.entries], acknowledged }), 'older');
}

/** @param {State} state @param {Frame} frame @returns {State} */
function acknowledged(state, frame) {
  const rooms = { ...state.rooms };
  for (const [id, room] of Object.entries(rooms)) {
    const held = [...room.entries.map((entry) => entry.update), ...room.waiting];
    if (held.some((one) => one.id === frame.update)) {
      rooms[id] = { ...room, acknowledged: { ...room.acknowledged, [frame.update]: true } };
    }
  }
  const next = { ...state, rooms, acknowledging: without(state.acknowledging, frame.update) };
  return over(next, `acknowledge:${frame.update}`);
}

/**
 * What the server says still waits, of another numbering worth nothing. What nobody told of since the
 * connection was back and is not among the overdue is settled.
 *
 * @param {State} state @param {Frame} frame `me` null: the log that is held says it, `others` overdue ones
 * @returns {State}
 */
function awaiting(state, { mission, epoch, me, others }) {
  const room = state.rooms[mission];
  if (!room || room.epoch !== epoch) return state;
  const late = Object.entries(room.overdue).filter(([, one]) => !one.stale);
  const overdue = Object.fromEntries(/** @type {Update[]} */ (others).map((update) =>
    [update.id, { missing: null, ...room.overdue[update.id], update }]));
  return withRoom(state, mission, {
    awaited: true, waiting: me ?? room.waiting, overdue: { ...Object.fromEntries(late), ...overdue },
  });
}

/** The reason of a notice is gone, and the notice with it. @param {State} state @param {string} about @returns {State} */
function over(state, about) {
  return state.about === about ? { ...state, notice: '', about: '' } : state;
}

/** The socket is gone: what is held stays and may lack its end; who is there, or acknowledged since, is unknown. @param {State} state @returns {State} */
function lost(state) {
  const rooms = Object.fromEntries(Object.entries(state.rooms).map(([id, room]) => {
    const sync = room.sync === 'void' || room.epoch === null ? room.sync : 'stale';
    const standing = sync === 'asked' ? /** @type {const} */ ('none') : sync;
    const overdue = Object.fromEntries(Object.entries(room.overdue).map(([one, late]) => [one, { ...late, stale: true }]));
    return [id, { ...room, sync: standing, present: null, overdue }];
  }));
  return { ...state, rooms };
}

/** Who leaves a room no longer reads back in it. @param {State} state @param {Frame} frame @returns {State} */
function select(state, frame) {
  const left = state.selected && state.rooms[state.selected] ? withRoom(state, state.selected, { back: 0 }) : state;
  const next = { ...left, selected: frame.mission, notice: '', about: '' };
  return frame.mission && left.rooms[frame.mission]
    ? withRoom(next, frame.mission, { unread: 0, urgent: false }) : next;
}

/** @param {Page} page @returns {Numbered[]} */
function numbered(page) {
  return page.updates.flatMap(({ seq, update: one }) => (seq === null ? [] : [{ seq, update: one }]));
}

/** @param {number} last @param {Numbered[]} arrived @param {number} newest */
function continues(last, arrived, newest) {
  return arrived.every((entry, place) => entry.seq === last + 1 + place) && last + arrived.length === newest;
}

/** @param {Room} room */
function lastSeq(room) {
  return room.entries[room.entries.length - 1]?.seq ?? 0;
}

/** @param {Update} one */
function isUrgent(one) {
  return one.kind === 'alert' || one.kind === 'order';
}
