/**
 * Asks the server what waits for an acknowledgement, for each log that was loaded: the newest page
 * holds only some of it. One room at a time, the selected one first.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {import('./types.js').Page} Page
 */
import { Refused, awaitingPage } from './api.js';
import { isWhole } from './state.js';

const AGAIN = 5_000;

export class Awaiting {
  /** @type {Set<string>} */ #missions = new Set();
  #asking = false;
  #dispatch;
  #state;

  /** @param {(frame: Frame) => void} dispatch @param {() => State} state */
  constructor(dispatch, state) {
    this.#dispatch = dispatch;
    this.#state = state;
  }

  /** A log was loaded, or continued after a pause. @param {string} mission */
  load(mission) {
    this.#missions.add(mission);
    void this.#run();
  }

  /** After a change of access, or signed out: nothing is to be asked any more. */
  forget() {
    this.#missions.clear();
  }

  async #run() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) {
        this.#missions.delete(next);
        await this.#ask(next);
      }
    } finally {
      this.#asking = false;
    }
  }

  #next() {
    const { selected } = this.#state();
    return selected && this.#missions.has(selected) ? selected : [...this.#missions][0];
  }

  /** @param {string} mission */
  async #ask(mission) {
    const room = this.#state().rooms[mission];
    if (!room?.epoch) return;
    try {
      // A log that was continued holds what came meanwhile; only others may have acknowledged since.
      const me = room.awaited || isWhole(room) ? null : await awaitingPage(mission, 'me');
      const others = await awaitingPage(mission, 'others');
      this.#dispatch({
        type: '@awaiting', mission, epoch: others.epoch, others: updates(others),
        me: me && me.epoch === others.epoch ? updates(me) : null,
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 404) return;
      setTimeout(() => {
        if (this.#state().rooms[mission]?.sync === 'current') this.load(mission);
      }, AGAIN);
    }
  }
}

/** @param {Page} page */
function updates(page) {
  return page.updates.map(({ update }) => update);
}
