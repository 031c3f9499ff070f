/**
 * What is wrong with a draft, each sentence beside its field.
 *
 * @typedef {import('./draft.js').Field} Field
 */
import { part, say } from './dom.js';

/** Which element says it; the fields of a position share one. @type {Record<Field, string>} */
const PLACES = {
  message: 'message-problem', kind: 'kind-problem', classification: 'classification-problem',
  lat: 'place-problem', lon: 'place-problem',
};
const FIELDS = /** @type {Field[]} */ (Object.keys(PLACES));

export class Problems {
  /** the code of the refusal that is shown beside the message */ #code = '';

  /** @param {Field} field @param {string} sentence nothing: it is right again @param {string} [code] of the refusal */
  say(field, sentence, code = '') {
    for (const one of FIELDS.filter((other) => PLACES[other] === PLACES[field])) {
      if (one === field && sentence) part(one, HTMLElement).setAttribute('aria-invalid', 'true');
      else part(one, HTMLElement).removeAttribute('aria-invalid');
    }
    if (field === 'message') this.#code = code;
    say(part(PLACES[field], HTMLElement), sentence);
  }

  /** The reason of that refusal is gone. @param {string} code */
  over(code) {
    if (this.#code === code) this.say('message', '');
  }

  clear() {
    for (const field of FIELDS) this.say(field, '');
  }

  /** @param {Field} field */
  focus(field) {
    part(field, HTMLElement).focus();
  }
}
