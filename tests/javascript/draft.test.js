/** A draft keeps every choice; what is no longer allowed is said and never exchanged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { emptyDraft, fieldsOf, isUntouched, notAllowed, wrongWith } from '../../missions/static/missions/draft.js';

const HANDLER = /** @type {any} */ ({ codename: 'Kestrel', role: 'handler', clearance: 'secret' });
const LANTERN = /** @type {any} */ ({ id: 'm1', codename: 'Lantern', status: 'active', classification: 'restricted' });
const SECRET = /** @type {import('../../missions/static/missions/draft.js').Draft} */ ({
  ...emptyDraft(LANTERN), text: 'The depot.', kind: 'order', classification: 'secret', roles: ['handler'], asksAck: true,
});

/** @param {object} [agent] @param {object} [mission] */
const named = (agent = {}, mission = {}) =>
  notAllowed(SECRET, { ...HANDLER, ...agent }, { ...LANTERN, ...mission }).map((one) => one.field);

test('choices that stand are left alone', () => {
  assert.deepEqual([named(), wrongWith(SECRET, HANDLER, LANTERN)], [[], null]);
});

test('a lower clearance, another role or a higher mission is said beside the choice, which stays what it was', () => {
  assert.deepEqual(named({ clearance: 'confidential' }), ['classification']);
  assert.deepEqual(named({ role: 'analyst' }), ['kind']);
  assert.deepEqual(named({ clearance: 'top-secret' }, { classification: 'top-secret' }), ['classification']);
  const refused = wrongWith(SECRET, { ...HANDLER, clearance: 'restricted' }, LANTERN);
  assert.deepEqual([refused?.field, SECRET.classification], ['classification', 'secret']);
  assert.match(refused?.sentence ?? '', /^Secret is not possible here any more/);
});

test('only a draft without text and choices follows its mission', () => {
  assert.equal(isUntouched(emptyDraft(LANTERN), 'restricted'), true);
  for (const change of [{ text: 'x' }, { kind: 'report' }, { classification: 'secret' }, { roles: ['handler'] }]) {
    assert.equal(isUntouched(/** @type {any} */ ({ ...emptyDraft(LANTERN), ...change }), 'restricted'), false);
  }
});

test('a wrong position names its own field', () => {
  const at = (/** @type {string} */ lat, /** @type {string} */ lon) =>
    wrongWith({ ...SECRET, kind: 'position', place: { lat, lon, accuracy: null } }, HANDLER, LANTERN)?.field;
  assert.deepEqual([at('95', '10'), at('59,9', ''), at('59,9', '10.5')], ['lat', 'lon', undefined]);
});

test('nothing written and too much are said beside the message', () => {
  assert.equal(wrongWith({ ...SECRET, text: ' ' }, HANDLER, LANTERN)?.sentence, 'Write something first.');
  assert.match(wrongWith({ ...SECRET, text: 'x'.repeat(8001) }, HANDLER, LANTERN)?.sentence ?? '', /1 too many/);
});

test('what is sent is what was chosen', () => {
  assert.deepEqual(fieldsOf({ ...SECRET, within: '' }), {
    kind: 'order', body: 'The depot.', classification: 'secret', roles: ['handler'], requires_ack: true, ack_within: null,
  });
  const place = { lat: '59,9', lon: '10.5', accuracy: 8 };
  const sent = fieldsOf({ ...SECRET, kind: 'position', place });
  assert.deepEqual([sent.data, sent.requires_ack], [{ lat: 59.9, lon: 10.5, accuracy: 8 }, undefined]);
});
