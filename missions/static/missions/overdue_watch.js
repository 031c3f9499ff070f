/**
 * Keeps an eye on the clocks of orders: says aloud, once, that one is overdue, and finds out who is
 * missing where the server told it before this page was there, or while it was cut off.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {import('./types.js').Update} Update
 */
import { KIND_NAME, names } from './words.js';
import { Refused, receipts } from './api.js';
import { dueAt, openOrders } from './orders.js';
import { held } from './timeline.js';
import { oversees, unknownReceipts } from './oversight.js';
import { readUpdate } from './update_calls.js';

const PAUSE = 5_000;
const GATHER = 600;
const MOST = 2;

export class OverdueWatch {
  /** @type {Set<string>} orders whose time runs, seen here */ #running = new Set();
  /** @type {Set<string>} updates that were announced */ #said = new Set();
  /** @type {{mission: string, sentence: string}[]} what is to be said together */ #sentences = [];
  #asking = false;
  #notBefore = 0;
  #dispatch;
  #state;
  #announce;

  /** @param {(frame: Frame) => void} dispatch @param {() => State} state @param {(sentence: string, missions: string[]) => void} announce assertively */
  constructor(dispatch, state, announce) {
    this.#dispatch = dispatch;
    this.#state = state;
    this.#announce = announce;
  }

  /** An `overdue` frame, already in the state. @param {Frame} frame */
  async hear(frame) {
    const { mission, update: id, agents } = frame;
    const room = this.#state().rooms[mission];
    if (!room) return;
    let update = held(room).find((entry) => entry.update.id === id)?.update;
    try {
      if (!update) {
        update = await readUpdate(id);
        this.#dispatch({ type: '@overdue_update', mission, update });
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    if (!update || !this.#state().rooms[mission]?.overdue[id]) return;
    const codename = this.#state().missions[mission]?.codename ?? '';
    this.#say(id, mission, `Overdue in ${codename}: ${inWords(update)} Not acknowledged by ${names(agents)}.`);
  }

  /** Once a second. @param {number} now ms */
  tick(now) {
    const state = this.#state();
    for (const { mission, update } of openOrders(state)) {
      if (dueAt(update) > now) this.#running.add(update.id);
      else if (this.#running.delete(update.id) && !oversees(state, update)) {
        this.#say(update.id, mission, `Overdue, waits for you: ${inWords(update)}`);
      }
    }
    const [unknown] = unknownReceipts(state);
    if (unknown && !this.#asking && now >= this.#notBefore) void this.#ask(unknown.mission, unknown.id, now);
  }

  /** The log of the mission was replaced: what is not said yet of it may no longer be heard. @param {string} [mission] every one, if none */
  hush(mission) {
    this.#sentences = mission ? this.#sentences.filter((one) => one.mission !== mission) : [];
  }

  /** @param {string} mission @param {string} update @param {number} now */
  async #ask(mission, update, now) {
    this.#asking = true;
    try {
      this.#dispatch({ type: '@receipts', mission, update, receipts: await receipts(update) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 403 || error.status === 404) this.#dispatch({ type: '@receipts', mission, update, receipts: [] });
      else this.#notBefore = now + PAUSE;
    } finally {
      this.#asking = false;
    }
    this.tick(now);
  }

  /** @param {string} id @param {string} mission @param {string} sentence */
  #say(id, mission, sentence) {
    if (this.#said.has(id)) return;
    this.#said.add(id);
    if (this.#sentences.push({ mission, sentence }) > 1) return;
    setTimeout(() => {
      const all = this.#sentences.splice(0);
      if (all.length === 0) return;
      this.#announce(all.length > MOST ? `${all.length} updates are overdue. They are listed beside the log.`
        : all.map((one) => one.sentence).join(' '), all.map((one) => one.mission));
    }, GATHER);
  }
}

/** @param {Update} update */
function inWords({ kind, author, body }) {
  return `${KIND_NAME[kind]} from ${author.codename}, ${body}`;
}
