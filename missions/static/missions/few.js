/** A list of cards that shows few of many, until somebody wants all. */
import { h } from './dom.js';

const SHOWN = 3;

export class Few {
  whole = false;

  /** @template T @param {T[]} all @returns {T[]} */
  of(all) {
    return this.whole ? all : all.slice(0, SHOWN);
  }

  /** The button that shows all or few, where there are more. @param {number} count @param {() => void} redraw */
  button(count, redraw) {
    return count > SHOWN && h('button', { class: 'quiet small more', type: 'button', 'aria-expanded': String(this.whole), click: () => {
      this.whole = !this.whole;
      redraw();
    } }, this.whole ? 'Show fewer' : `Show all (${count})`);
  }
}
