/**
 * Commands that wait for their answer. They survive a lost connection and are sent again when the
 * room is live: `acknowledge` may be repeated, and `publish` carries a `client_id`.
 *
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {import('./types.js').Refusal} Refusal
 * @typedef {{frame: Frame, refusal?: undefined} | {refusal: Refusal, frame?: undefined}} Answer
 */

const PATIENCE = 12_000;
const ANSWERS = new Set(['published', 'acknowledged', 'error']);

export class Outbox {
  /** @type {Map<string, {frame: Frame, resolve: (answer: Answer) => void, timer: number}>} */
  #waiting = new Map();
  /** @type {(frame: Frame) => boolean} */ #send;

  /** @param {(frame: Frame) => boolean} send */
  constructor(send) {
    this.#send = send;
  }

  /** Sends the command now or when the room is live again. @param {Frame & {id: string}} frame @returns {Promise<Answer>} */
  ask(frame) {
    return new Promise((resolve) => {
      this.#waiting.set(frame.id, { frame, resolve, timer: 0 });
      this.#leave(frame.id);
    });
  }

  /** @param {Frame} frame @returns {boolean} whether it answered a command of this box */
  received(frame) {
    const id = String(frame.id ?? '');
    const waiting = this.#waiting.get(id);
    if (!waiting || !ANSWERS.has(frame.type)) return false;
    this.#settle(id, frame.type === 'error'
      ? { refusal: { code: frame.code, message: frame.message, field: frame.field } } : { frame });
    return true;
  }

  /** Live again: everything unanswered leaves once more. */
  resend() {
    for (const id of this.#waiting.keys()) this.#leave(id);
  }

  /** Gives up on everything unanswered. @param {Refusal} refusal */
  drop(refusal) {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, { refusal });
  }

  /** @param {string} id */
  #leave(id) {
    const waiting = this.#waiting.get(id);
    if (!waiting || !this.#send(waiting.frame)) return;
    clearTimeout(waiting.timer);
    waiting.timer = Number(setTimeout(() => this.#settle(id, {
      refusal: { code: 'unavailable', message: 'HQ has not answered. Send it again: it cannot appear twice.' },
    }), PATIENCE));
  }

  /** @param {string} id @param {Answer} answer */
  #settle(id, answer) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    waiting?.resolve(answer);
  }
}
