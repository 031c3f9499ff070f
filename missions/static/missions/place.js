/** The fields of a position: degrees typed in, or taken from the device. */
import { part } from './dom.js';

export class PlaceFields {
  #row = part('place', HTMLElement);
  #lat = part('lat', HTMLInputElement);
  #lon = part('lon', HTMLInputElement);
  /** @type {number | null} metres; void as soon as somebody types */ #accuracy = null;

  /** @param {(problem: string) => void} onProblem */
  constructor(onProblem) {
    for (const input of [this.#lat, this.#lon]) {
      input.addEventListener('input', () => { this.#accuracy = null; });
    }
    part('locate', HTMLButtonElement).addEventListener('click', () => {
      if (!navigator.geolocation) return onProblem('This browser does not know its position. Type it in.');
      return navigator.geolocation.getCurrentPosition(({ coords }) => {
        this.#lat.value = coords.latitude.toFixed(5);
        this.#lon.value = coords.longitude.toFixed(5);
        this.#accuracy = Math.round(coords.accuracy);
        onProblem('');
      }, () => onProblem('The browser did not give its position. Type it in.'), { timeout: 10_000 });
    });
  }

  /** @param {boolean} shown */
  show(shown) {
    this.#row.hidden = !shown;
  }

  clear() {
    this.#lat.value = this.#lon.value = '';
    this.#accuracy = null;
  }

  /** What is wrong, as a sentence, or nothing. */
  problem() {
    if (!within(this.#lat.value, 90)) return 'Lat is a number of degrees from -90 to 90.';
    return within(this.#lon.value, 180) ? '' : 'Lon is a number of degrees from -180 to 180.';
  }

  /** @returns {{lat: number, lon: number, accuracy?: number}} degrees, metres */
  data() {
    const place = { lat: degrees(this.#lat.value), lon: degrees(this.#lon.value) };
    return this.#accuracy === null ? place : { ...place, accuracy: this.#accuracy };
  }
}

/** @param {string} typed a comma is good too */
function degrees(typed) {
  return Number(typed.trim().replace(',', '.'));
}

/** @param {string} typed @param {number} most */
function within(typed, most) {
  return typed.trim() !== '' && Math.abs(degrees(typed)) <= most;
}
