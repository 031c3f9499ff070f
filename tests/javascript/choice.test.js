/** Which mission the page shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { addressOf, chosen } from '../../missions/static/missions/choice.js';
import { initialState } from '../../missions/static/missions/store.js';

const ID = '00000000-0000-4000-8000-00000000000';
const mission = (/** @type {number} */ number, status = 'active') =>
  /** @type {any} */ ({ id: `${ID}${number}`, codename: `M${number}`, objective: '', status, classification: 'restricted' });
const state = { ...initialState(), missions: Object.fromEntries([mission(1, 'planned'), mission(2), mission(3)].map((one) => [one.id, one])) };

test('the address decides, else what is shown stays, else a first one is shown', () => {
  assert.equal(chosen(state, addressOf(`${ID}3`)), `${ID}3`);
  assert.equal(chosen({ ...state, selected: `${ID}1` }, ''), `${ID}1`);
  assert.equal(chosen(state, ''), `${ID}2`);
  assert.equal(chosen(state, addressOf(`${ID}9`)), `${ID}2`);
});

test('where a notice says why nothing is shown, nothing else is', () => {
  assert.equal(chosen({ ...state, notice: 'Your access to this mission has ended.' }, ''), null);
});
