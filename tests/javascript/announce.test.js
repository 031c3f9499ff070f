/** What is said of news that came together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inWords } from '../../missions/static/missions/announce.js';

const LANTERN = /** @type {any} */ ({ id: 'm1', codename: 'Lantern' });
const ORCHARD = /** @type {any} */ ({ id: 'm2', codename: 'Orchard' });

/** @param {any} mission @param {boolean} [here] @returns {any} */
const heard = (mission, here = false) => ({
  mission, here, update: { kind: 'alert', body: 'Smoke.', classification: 'secret', author: { codename: 'Wren' } },
});

test('each of a few is said with its own mission, unless that is open', () => {
  assert.equal(inWords([heard(LANTERN, true)]), 'Alert, Secret, Wren: Smoke.');
  assert.equal(inWords([heard(LANTERN), heard(ORCHARD)]), 'Alert in Lantern, Secret, Wren: Smoke.. Alert in Orchard, Secret, Wren: Smoke.');
});

test('many are counted, each in its own mission', () => {
  assert.equal(inWords([heard(LANTERN), heard(ORCHARD), heard(ORCHARD), heard(ORCHARD)]), '1 new update in Lantern, 3 new updates in Orchard.');
  assert.equal(inWords(Array.from({ length: 4 }, () => heard(LANTERN))), '4 new updates in Lantern.');
});
