/**
 * Speaks for the log. The log itself is silent (`aria-live="off"`), so that a snapshot or a page of
 * history is not read out and a burst becomes one sentence.
 *
 * @typedef {import('./types.js').Update} Update
 * @typedef {import('./types.js').Mission} Mission
 * @typedef {{update: Update, mission: Mission, here: boolean}} Heard `here`: of the log that is open
 */
import { CLEARANCE_NAME, KIND_NAME, counted } from './words.js';
import { part, say } from './dom.js';

const GATHER = 600;
const MOST = 3;

export class Announcer {
  #polite = new Voice('polite');
  #assertive = new Voice('assertive');

  /** A live update of somebody else. @param {Heard} heard */
  hear(heard) {
    const urgent = heard.update.kind === 'alert' || heard.update.kind === 'order';
    (urgent ? this.#assertive : this.#polite).hear(heard);
  }

  /** One sentence, politely. @param {string} sentence */
  tell(sentence) {
    this.#polite.say(sentence, []);
  }

  /** One sentence, at once. @param {string} sentence @param {string[]} missions whose words are in it, by id */
  warn(sentence, missions) {
    this.#assertive.say(sentence, missions);
  }

  /**
   * Forgets what may no longer be heard: words of a mission whose log was replaced, but those that are
   * still in it; without a mission, everything.
   *
   * @param {string} [mission] its id @param {Set<string>} [still] the updates that are still in its log
   */
  hush(mission, still = new Set()) {
    for (const voice of [this.#polite, this.#assertive]) voice.hush(mission, still);
  }
}

/** One live region. */
class Voice {
  /** @type {Heard[]} */ #heard = [];
  /** @type {Set<string>} the missions whose words are in the region */ #said = new Set();
  #timer = 0;
  #region;

  /** @param {string} region */
  constructor(region) {
    this.#region = part(region, HTMLElement);
  }

  /** @param {Heard} heard */
  hear(heard) {
    this.#heard.push(heard);
    this.#timer ||= window.setTimeout(() => {
      const all = this.#heard.splice(0);
      this.#timer = 0;
      if (all.length) this.say(inWords(all), all.map((one) => one.mission.id));
    }, GATHER);
  }

  /** @param {string} sentence @param {string[]} missions */
  say(sentence, missions) {
    this.#said = new Set(missions);
    say(this.#region, sentence);
  }

  /** @param {string | undefined} mission @param {Set<string>} still */
  hush(mission, still) {
    this.#heard = mission === undefined ? []
      : this.#heard.filter((one) => one.mission.id !== mission || still.has(one.update.id));
    if (mission === undefined || this.#said.has(mission)) this.say('', []);
  }
}

/** What was heard together: a few one by one, many as counts; each with its mission unless that is open. @param {Heard[]} all */
export function inWords(all) {
  if (all.length <= MOST) {
    return all.map(({ update: { kind, classification, author, body }, mission, here }) =>
      `${KIND_NAME[kind]}${here ? '' : ` in ${mission.codename}`}, ${CLEARANCE_NAME[classification]}, ${author.codename}: ${body}`).join('. ');
  }
  /** @type {Map<string, {codename: string, count: number}>} */
  const missions = new Map();
  for (const { mission: { id, codename } } of all) missions.set(id, { codename, count: (missions.get(id)?.count ?? 0) + 1 });
  return `${[...missions.values()].map(({ codename, count }) => `${counted(count, 'new update')} in ${codename}`).join(', ')}.`;
}
