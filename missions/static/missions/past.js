/**
 * What lies before the snapshot: older pages, and own updates that the own stream lacks.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Frame} Frame
 */
import * as api from './api.js';

export class History {
  loading = false;
  /** @type {Set<string>} rooms whose own updates were asked for, by mission and epoch */ #asked = new Set();
  #dispatch;
  #state;

  /** @param {(frame: Frame) => void} dispatch @param {() => State} state */
  constructor(dispatch, state) {
    this.#dispatch = dispatch;
    this.#state = state;
  }

  /** After a change of access, or of an own update, or a gap, nothing that was asked stands. */
  forget() {
    this.#asked = new Set();
  }

  /** The page before the oldest entry of the selected room. */
  async older() {
    const { selected, rooms } = this.#state();
    const room = selected ? rooms[selected] : undefined;
    const first = room?.entries[0];
    if (this.loading || !selected || !room?.epoch || !first || first.seq === 1) return;
    this.loading = true;
    this.#dispatch({ type: '@older_asked', mission: selected });
    try {
      const page = await api.pageBefore(selected, first.update.id, room.epoch);
      this.loading = false;
      this.#dispatch({ type: '@older', page });
    } catch (error) {
      this.loading = false;
      if (!(error instanceof api.Refused)) throw error;
      if (error.code === 'reset') this.#dispatch({ type: '@again', mission: selected, whole: true });
      else this.#dispatch({ type: '@notice', about: 'older', notice: `Earlier updates did not load: ${error.message}` });
    }
  }

  /** Page by page back to an entry of the selected room, or to the start of its log, as long as it goes back. @param {string} update */
  async reach(update) {
    const { selected: mission } = this.#state();
    for (let before = Infinity; ;) {
      const { selected, rooms } = this.#state();
      const entries = (selected === mission && mission && rooms[mission]?.entries) || [];
      const first = entries[0]?.seq;
      if (!first || first >= before || entries.some((entry) => entry.update.id === update)) return;
      before = first;
      await this.older();
    }
  }

  /** Own updates for other roles than the own one: not in the stream, and still ours to see. @param {string} mission */
  async own(mission) {
    const { selected, rooms } = this.#state();
    const epoch = rooms[mission]?.epoch;
    const key = `${mission} ${epoch}`;
    const keys = this.#asked;
    if (mission !== selected || !epoch || keys.has(key)) return;
    keys.add(key);
    const asked = rooms[mission]?.sent.map((one) => one.id);
    try {
      const page = await api.ownPage(mission);
      if (keys !== this.#asked || !this.#state().rooms[mission]) return;
      const updates = page.updates.flatMap(({ seq, update }) => (seq === null ? [update] : []));
      const since = page.updates.length < api.OWN_PAGE ? '' : page.updates[0]?.update.created_at;
      this.#dispatch({ type: '@sent', mission, updates, asked, since });
    } catch (error) {
      keys.delete(key);
      if (!(error instanceof api.Refused)) throw error;
    }
  }
}
