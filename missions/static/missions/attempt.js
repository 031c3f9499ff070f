/** Runs what a button began: the button waits meanwhile, a refusal is said where it belongs. */
import { Refused } from './api.js';
import { say } from './dom.js';

/** In forms that ask for the password again there is no username to be wrong. */
const WORDS = new Map([['invalid_credentials', 'The current password is wrong.']]);

/**
 * @param {HTMLButtonElement | null} button @param {HTMLElement} problem where a refusal is said
 * @param {() => Promise<unknown>} run
 * @returns {Promise<boolean>} whether it was done
 */
export async function attempt(button, problem, run) {
  if (button?.getAttribute('aria-disabled') === 'true') return false;
  button?.setAttribute('aria-disabled', 'true');
  say(problem, '');
  try {
    await run();
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(problem, WORDS.get(error.code) ?? error.message);
    return false;
  } finally {
    button?.removeAttribute('aria-disabled');
  }
}
