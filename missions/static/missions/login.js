/**
 * The login form: says what is wrong beside the field, keeps what was typed, holds no token. Who is
 * logged in already is led to the room, unless HQ has just sent them here to log in again.
 */
import { Refused, check, logIn } from './api.js';
import { part, say } from './dom.js';
import { themeSwitch } from './theme.js';

const form = part('login', HTMLFormElement);
const username = part('username', HTMLInputElement);
const password = part('password', HTMLInputElement);
const otp = part('otp', HTMLInputElement);
const problem = part('login-problem', HTMLElement);

/** @param {HTMLInputElement} field @param {string} sentence */
function mark(field, sentence) {
  const place = document.getElementById(`${field.id}-problem`);
  if (place) say(place, sentence);
  if (sentence) {
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', `${field.id}-problem`);
  } else {
    field.removeAttribute('aria-invalid');
    field.removeAttribute('aria-describedby');
  }
}

/** @param {Refused} refused */
function explain(refused) {
  if (refused.code === 'otp_required') {
    const first = part('otp-field', HTMLElement).hidden;
    part('otp-field', HTMLElement).hidden = false;
    say(problem, first ? '' : refused.message);
    otp.focus();
    return;
  }
  if (refused.field === 'username') mark(username, refused.message);
  else if (refused.field === 'password') mark(password, refused.message);
  else say(problem, refused.message);
  (refused.field === 'username' ? username : password).focus();
  password.select();
}

/** Awaited before a login, so that no answer about the old cookies comes after its new ones. */
const standing = location.hash === '#again' ? Promise.resolve('refused') : check();

let busy = false;
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (busy) return;
  say(problem, '');
  mark(username, username.value.trim() ? '' : 'Type your username.');
  mark(password, password.value ? '' : 'Type your password.');
  const empty = [username, password].find((field) => field.getAttribute('aria-invalid'));
  if (empty) return empty.focus();
  busy = true;
  const button = form.querySelector('button');
  if (button) {
    button.setAttribute('aria-disabled', 'true');
    say(button, 'Logging in…');
  }
  try {
    await standing;
    await logIn(username.value.trim(), password.value, otp.value.trim() || undefined);
    location.replace('/');
  } catch (error) {
    busy = false;
    if (button) {
      button.removeAttribute('aria-disabled');
      say(button, 'Log in');
    }
    if (error instanceof Refused) explain(error);
    else throw error;
  }
});
themeSwitch(part('theme', HTMLButtonElement));
if ((await standing) === 'ok' && !busy) location.replace('/');
