/** Paging back meets what comes meanwhile: it leaves no hole, and it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { History } from '../../missions/static/missions/past.js';
import { KEPT, initialState, reduce } from '../../missions/static/missions/store.js';

/** @typedef {import('../../missions/static/missions/types.js').Frame} Frame */

const AUTHOR = { codename: 'Wren', role: 'field-operative' };
const MISSION = { codename: 'Lantern', objective: '', status: 'active', classification: 'restricted' };
const WELCOME = {
  type: 'welcome', agent: { id: 'a1', codename: 'Kestrel', role: 'handler', clearance: 'secret' },
  missions: [{ ...MISSION, id: 'm1' }, { ...MISSION, id: 'm2' }],
};

/** @param {number} from @param {number} to */
const numbered = (from, to) => Array.from({ length: to - from + 1 }, (_, place) =>
  ({ seq: from + place, update: { id: `u${from + place}`, author: AUTHOR, created_at: '2026-01-01T10:00:00.000Z' } }));

/** @param {number} from @param {number} to */
const page = (from, to) =>
  ({ mission: 'm1', epoch: 'e1', seq: to, recovered: false, updates: numbered(from, to), acknowledged: [] });

/**
 * A full room whose every page comes just after something else.
 * @param {import('node:test').TestContext} t @param {(seq: number) => Frame} meanwhile @param {boolean} [up]
 */
function busy(t, meanwhile, up = true) {
  let state = [
    WELCOME, { type: '@select', mission: 'm1' }, { type: 'subscribed', ...page(1001, KEPT + 1000) },
    { type: 'subscribed', ...page(501, 550), mission: 'm2' },
  ].reduce(reduce, initialState());
  const calls = { count: 0 };
  /** @param {Frame} frame */
  const dispatch = (frame) => { state = reduce(state, frame); };
  t.mock.method(globalThis, 'fetch', async (/** @type {string} */ path) => {
    calls.count += 1;
    if (calls.count > 20) return { text: () => Promise.reject(new Error('asked without end')) };
    const before = Number(/before=u(\d+)/.exec(path)?.[1]);
    dispatch(meanwhile(KEPT + 1000 + calls.count));
    return up ? Response.json(page(before - 100, before - 1)) : Response.json({ code: 'unavailable' }, { status: 503 });
  });
  return { past: new History(dispatch, () => state), room: () => state.rooms.m1?.entries.map((entry) => entry.seq), calls };
}

/** @param {number} seq */
const live = (seq) => ({ type: 'update', mission: 'm1', epoch: 'e1', ...numbered(seq, seq)[0] });

test('an entry far back is reached in a busy room, with all between', async (t) => {
  const { past, room, calls } = busy(t, live);
  await past.reach('u750');
  assert.equal(calls.count, 3);
  assert.deepEqual(room(), numbered(701, KEPT + 1003).map((entry) => entry.seq));
});

test('reaching back ends when nothing older comes, and with the room', async (t) => {
  const refused = busy(t, live, false);
  await refused.past.reach('u750');
  assert.equal(refused.calls.count, 1);
  const left = busy(t, () => ({ type: '@select', mission: 'm2' }));
  await left.past.reach('u750');
  assert.equal(left.calls.count, 1);
});

test('a page of a log that was replaced meanwhile leaves no hole', async (t) => {
  const { past, room } = busy(t, () => ({ type: 'subscribed', ...page(KEPT + 2001, KEPT + 2050) }));
  await past.older();
  assert.deepEqual(room(), numbered(KEPT + 2001, KEPT + 2050).map((entry) => entry.seq));
});
