/**
 * The fields of a position: degrees typed in, or taken from the device.
 *
 * @typedef {import('./draft.js').Place} Place
 */
import { part } from './dom.js';

export class PlaceFields {
  #row = part('place', HTMLElement);
  #lat = part('lat', HTMLInputElement);
  #lon = part('lon', HTMLInputElement);
  /** @type {number | null} metres; void as soon as somebody types */ #accuracy = null;

  /** @param {(problem: string) => void} onProblem a sentence, or nothing when a position came */
  constructor(onProblem) {
    for (const input of [this.#lat, this.#lon]) {
      input.addEventListener('input', () => {
        this.#accuracy = null;
        onProblem('');
      });
    }
    part('locate', HTMLButtonElement).addEventListener('click', () => {
      if (!navigator.geolocation) return onProblem('This browser does not know its position. Type it in.');
      return navigator.geolocation.getCurrentPosition(({ coords }) => {
        this.write({ lat: coords.latitude.toFixed(5), lon: coords.longitude.toFixed(5), accuracy: Math.round(coords.accuracy) });
        onProblem('');
      }, () => onProblem('The browser did not give its position. Type it in.'), { timeout: 10_000 });
    });
  }

  /** @param {boolean} shown */
  show(shown) {
    this.#row.hidden = !shown;
  }

  /** @returns {Place} */
  read() {
    return { lat: this.#lat.value, lon: this.#lon.value, accuracy: this.#accuracy };
  }

  /** @param {Place} place */
  write({ lat, lon, accuracy }) {
    this.#lat.value = lat;
    this.#lon.value = lon;
    this.#accuracy = accuracy;
  }
}
