/**
 * What a close code means for coming back: the table of the protocol, as a pure function.
 *
 * @typedef {{does: 'retry' | 'renew' | 'sign_out', delay: number, drop: boolean, why: string}} Verdict
 *   `delay` in ms; `drop`: unanswered commands must not be sent again; `why` is for people.
 */

const LONGEST = 30_000;

/** A random wait between 0 and min(30 s, 0.5 s x 2^attempt). @param {number} attempt @param {() => number} random */
export function jittered(attempt, random) {
  return random() * Math.min(LONGEST, 500 * 2 ** Math.min(attempt, 10));
}

/**
 * @param {number} code of the close frame, 1006 when there was none
 * @param {string} reason of the close frame
 * @param {number} attempt failures since the last connection that lasted
 * @param {() => number} [random]
 * @returns {Verdict}
 */
export function afterClose(code, reason, attempt, random = Math.random) {
  /** @type {Verdict} */
  const retry = { does: 'retry', delay: jittered(attempt, random), drop: false, why: '' };
  switch (code) {
    case 4001:
      return { ...retry, does: 'renew', delay: attempt === 0 ? 0 : retry.delay };
    case 4003:
      return { ...retry, does: 'sign_out', why: reason || 'Your session was ended.' };
    case 4008:
      return { ...retry, delay: attempt === 0 ? 0 : retry.delay };
    case 4009:
      return {
        ...retry,
        delay: 10_000 + random() * 20_000,
        why: 'Too many connections are open. Close a tab of HQ that you do not need.',
      };
    case 4000:
    case 4029:
      return { ...retry, delay: 2_000 + retry.delay };
    case 1003:
    case 1007:
    case 1009:
      return { ...retry, delay: 1_000 + retry.delay, drop: true };
    default:
      return retry;
  }
}
