/**
 * The second factor, step by step: none, being set up, its recovery codes (shown once), set.
 *
 * The secret is drawn by HQ and put in as a drawing: it is in no URL, and gone with the step.
 *
 * @typedef {import('./account_calls.js').Factor} Factor
 */
import * as calls from './account_calls.js';
import { attempt } from './attempt.js';
import { counted } from './words.js';
import { h, part, put } from './dom.js';

export class SecondFactor {
  #place = part('factor', HTMLElement);
  #changed;
  #isSet;

  /** @param {(sentence: string) => Promise<unknown>} onChange @param {() => void} onSet at once, while the codes are shown */
  constructor(onChange, onSet) {
    this.#changed = onChange;
    this.#isSet = onSet;
  }

  /** To the first thing that it asks for. */
  focus() {
    this.#place.querySelector('input')?.focus();
  }

  /** @param {Factor} factor */
  draw(factor) {
    if (factor.enrolled) this.#set(factor.recovery_codes);
    else this.#none();
  }

  wipe() {
    put(this.#place);
  }

  #none() {
    const password = passwordField('factor-password');
    this.#form('Set up', [
      h('p', {}, 'Off. With a second factor, logging in also takes a code from an authenticator app.'),
      field('Your password', password),
    ], async () => {
      const { secret, uri } = await calls.enrol(password.value);
      this.#confirm(secret, await calls.picture(uri));
    });
  }

  /** @param {string} secret @param {string} svg */
  #confirm(secret, svg) {
    const otp = codeField('factor-code');
    const drawing = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
    drawing.setAttribute('role', 'img');
    drawing.setAttribute('aria-label', 'QR code for the authenticator app');
    this.#form('Turn on', [
      h('p', {}, 'Scan this with your authenticator app, or type the secret into it. Then type the code that it shows.'),
      h('div', { class: 'qr' }, document.importNode(drawing, true)),
      h('p', {}, h('code', { class: 'secret' }, (secret.match(/.{1,4}/g) ?? []).join(' '))),
      field('Code', otp),
    ], async () => {
      const { recovery_codes: codes } = await calls.confirm(otp.value.trim());
      this.#codes(codes);
      this.#isSet();
    });
    otp.focus();
  }

  /** @param {string[]} codes */
  #codes(codes) {
    const kept = h('button', {
      class: 'primary', type: 'button',
      click: () => void this.#changed('The second factor is on. You are logged out everywhere else.'),
    }, 'I have kept them');
    put(this.#place,
      h('p', {}, 'The second factor is on. Keep these recovery codes where only you find them: each lets you in once when the app is lost. They are not shown again.'),
      h('ol', { class: 'codes', tabindex: '0', 'aria-label': 'Recovery codes' }, ...codes.map((code) => h('li', {}, h('code', {}, code)))),
      h('div', { class: 'actions' }, kept));
    this.#place.querySelector('ol')?.focus();
  }

  /** @param {number} left */
  #set(left) {
    const password = passwordField('factor-password');
    const otp = codeField('factor-code');
    this.#form('Turn off', [
      h('p', {}, `On. ${left ? `${counted(left, 'recovery code')} left.` : 'No recovery code is left.'}`),
      field('Your password', password),
      field('Code', otp),
    ], async () => {
      await calls.disable(password.value, otp.value.trim());
      await this.#changed('The second factor is off. You are logged out everywhere else.');
    });
  }

  /** @param {string} words @param {HTMLElement[]} parts @param {() => Promise<unknown>} run */
  #form(words, parts, run) {
    const problem = h('p', { class: 'problem', role: 'alert' });
    const button = h('button', { type: 'submit' }, words);
    const form = h('form', { novalidate: true }, ...parts, problem, h('div', { class: 'actions' }, button));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void attempt(button, problem, run);
    });
    put(this.#place, form);
  }
}

/** @param {string} label @param {HTMLInputElement} input */
const field = (label, input) => h('div', { class: 'field' }, h('label', { for: input.id }, label), input);
/** @param {string} id */
const passwordField = (id) => h('input', { id, type: 'password', autocomplete: 'current-password' });
/** @param {string} id */
const codeField = (id) => h('input', { id, inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 64 });
