/**
 * One's own account, in a dialog: where one is logged in, the password, the second factor.
 *
 * Asks anew each time it opens; when it closes, nothing that was shown or typed stays in the page.
 *
 * @typedef {import('./account_calls.js').Session} Session
 */
import * as calls from './account_calls.js';
import { SecondFactor } from './second_factor.js';
import { attempt } from './attempt.js';
import { clockTime, dayName } from './clock.js';
import { counted } from './words.js';
import { device } from './device.js';
import { h, part, put, say } from './dom.js';
import { icon } from './icons.js';

const KIND = { login: '', service: 'Service token', admin: 'Admin' };

/** @param {() => void} onSet a second factor is in force */
export function wireAccount(onSet) {
  const dialog = part('account-dialog', HTMLDialogElement);
  const form = part('password-form', HTMLFormElement);
  const factor = new SecondFactor(async (sentence) => {
    told(sentence);
    await Promise.all([listSessions(), askFactor()]);
  }, () => {
    say(part('account-needs', HTMLElement), '');
    onSet();
  });

  async function askFactor() {
    const now = await calls.factor();
    part('password-otp-field', HTMLElement).hidden = !now.enrolled;
    if (dialog.open) factor.draw(now);
  }

  function open() {
    dialog.showModal();
    return attempt(null, part('account-problem', HTMLElement), () => Promise.all([listSessions(), askFactor()]));
  }

  /** Opens at the second factor: nothing else can be done before one is set. @param {string} why */
  async function lead(why) {
    if (dialog.open) dialog.close();
    say(part('account-needs', HTMLElement), why);
    await open();
    factor.focus();
  }

  part('account', HTMLButtonElement).addEventListener('click', () => void open());
  part('account-close', HTMLButtonElement).append(icon('close'));
  dialog.addEventListener('close', () => {
    form.reset();
    factor.wipe();
    put(part('sessions', HTMLElement));
    for (const place of dialog.querySelectorAll('.problem, [role="status"]')) say(place, '');
  });
  part('end-others', HTMLButtonElement).addEventListener('click', ({ currentTarget }) => {
    void end(currentTarget, calls.endOtherSessions, 'You are logged out everywhere else.');
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void changePassword(form);
  });
  return lead;
}

async function listSessions() {
  const sessions = await calls.sessions();
  put(part('sessions', HTMLElement), ...sessions.map(row));
  part('end-others', HTMLElement).hidden = sessions.length < 2;
}

/** @param {Session} session */
function row(session) {
  const name = session.name || KIND[session.kind] || device(session.user_agent);
  const day = dayName(session.created_at, Date.now()).replace(/^(Today|Yesterday)$/, (word) => word.toLowerCase());
  const since = `${day} ${clockTime(session.created_at)}`;
  const open = session.connections.length;
  const facts = [session.address ?? 'address unknown', `since ${since}`, open ? counted(open, 'open connection') : ''];
  return h('li', {},
    h('div', { class: 'name', title: session.user_agent }, h('strong', {}, name), h('span', {}, facts.filter(Boolean).join(' · '))),
    session.current
      ? h('span', { class: 'hint' }, 'this session')
      : h('button', {
        class: 'quiet small', type: 'button', 'aria-label': `Log out ${name}, since ${since}`,
        click: (/** @type {Event} */ { currentTarget }) => void end(currentTarget, () => calls.endSession(session.id), `${name} is logged out.`),
      }, 'Log out'));
}

/** @param {EventTarget | null} button @param {() => Promise<unknown>} run @param {string} sentence */
async function end(button, run, sentence) {
  const place = part('account-problem', HTMLElement);
  const done = await attempt(button instanceof HTMLButtonElement ? button : null, place, async () => {
    await run();
    await listSessions();
  });
  if (!done) return;
  told(sentence);
  part('sessions', HTMLElement).focus();
}

/** @param {HTMLFormElement} form */
async function changePassword(form) {
  const problem = part('password-problem', HTMLElement);
  const current = part('current-password', HTMLInputElement);
  const chosen = part('new-password', HTMLInputElement);
  const otp = part('password-otp', HTMLInputElement);
  const missing = [current, chosen].find((field) => !field.value);
  if (missing) {
    say(problem, missing === current ? 'Type your current password.' : 'Type a new password.');
    missing.focus();
    return;
  }
  const button = form.querySelector('button');
  const done = await attempt(button, problem, () => calls.changePassword(current.value, chosen.value, otp.value.trim()));
  if (!done) return;
  form.reset();
  told('Your password is changed. You are logged out everywhere else.');
  await attempt(null, part('account-problem', HTMLElement), listSessions);
}

/** @param {string} sentence */
function told(sentence) {
  say(part('account-done', HTMLElement), sentence);
}
