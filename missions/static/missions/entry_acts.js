/**
 * What the buttons of an entry ask of HQ: an acknowledgement, its receipts.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Frame} Frame
 */
import { Refused, receipts } from './api.js';

export class EntryActs {
  #world;

  /**
   * @param {{dispatch: (frame: Frame) => void, state: () => State, redraw: () => void,
   *   outbox: import('./outbox.js').Outbox, tell: (sentence: string) => void,
   *   shown: import('./render_log.js').LogView['receipts']}} world `shown`: the receipts on the page
   */
  constructor(world) {
    this.#world = world;
  }

  /** @param {string} update */
  async acknowledge(update) {
    const { dispatch, outbox, state, tell } = this.#world;
    if (state().acknowledging[update]) return;
    dispatch({ type: '@acknowledging', update });
    const { refusal } = await outbox.ask({ type: 'acknowledge', id: `acknowledge:${update}`, update });
    if (!refusal) return tell('Acknowledged.');
    dispatch({ type: '@not_acknowledged', update });
    return dispatch({ type: '@notice', about: `acknowledge:${update}`, notice: `Not acknowledged: ${refusal.message}` });
  }

  /** Shows the receipts, or hides them. @param {string} update */
  async showReceipts(update) {
    const { redraw, shown } = this.#world;
    if (shown.delete(update)) return redraw();
    shown.set(update, 'loading');
    redraw();
    return this.#load(update);
  }

  /** Whoever acknowledged while the connection was away is in no frame: asks anew for what is shown. */
  async refreshReceipts() {
    await Promise.all([...this.#world.shown.keys()].map((update) => this.#load(update)));
  }

  /** @param {string} update */
  async #load(update) {
    const { dispatch, redraw, shown } = this.#world;
    try {
      const answer = await receipts(update);
      if (shown.has(update)) shown.set(update, answer);
      dispatch({ type: '@over', about: 'receipts' });
    } catch (error) {
      const wanted = shown.delete(update);
      if (!(error instanceof Refused)) throw error;
      const ended = error.status === 403 || error.status === 404; // retracted, or of other rights: no list to miss
      if (wanted && !ended) dispatch({ type: '@notice', about: 'receipts', notice: `The receipts did not load: ${error.message}` });
    }
    return redraw();
  }
}
