/**
 * Dialogs that end in a call: a mission's form, and a question before something is ended.
 *
 * @typedef {import('./types.js').Agent} Agent
 * @typedef {import('./types.js').Mission} Mission
 */
import { CLEARANCES, CLEARANCE_NAME, classificationsBetween } from './words.js';
import { Refused } from './api.js';
import { part, say } from './dom.js';
import { offer } from './composer.js';

/** @type {(fields: {codename: string, objective: string, classification: string}) => Promise<unknown>} */
let save = () => Promise.resolve();
/** @type {() => Promise<unknown>} */
let confirmed = () => Promise.resolve();

export function wireDialogs() {
  const form = part('mission-form', HTMLFormElement);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void submit(form);
  });
  const dialog = part('confirm-dialog', HTMLDialogElement);
  dialog.querySelector('form')?.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await confirmed();
      dialog.close();
    } catch (error) {
      say(part('confirm-problem', HTMLElement), inWords(error));
    }
  });
}

/**
 * The form of a mission, for a new one or for one that is there.
 *
 * @param {Agent} agent @param {Mission | null} mission
 * @param {(fields: {codename: string, objective: string, classification: string}) => Promise<unknown>} onSave
 */
export function openMissionForm(agent, mission, onSave) {
  save = onSave;
  say(part('mission-dialog-title', HTMLElement), mission ? 'Edit mission' : 'New mission');
  say(part('mission-save', HTMLElement), mission ? 'Save' : 'Create mission');
  part('mission-codename', HTMLInputElement).value = mission?.codename ?? '';
  part('mission-objective', HTMLTextAreaElement).value = mission?.objective ?? '';
  const select = part('mission-classification', HTMLSelectElement);
  offer(select, classificationsBetween(CLEARANCES[0] ?? 'restricted', agent.clearance).map((one) => [one, CLEARANCE_NAME[one]]));
  select.value = mission?.classification ?? 'restricted';
  for (const place of problems()) say(place, '');
  part('mission-dialog', HTMLDialogElement).showModal();
  part('mission-codename', HTMLInputElement).focus();
}

/** @param {HTMLFormElement} form */
async function submit(form) {
  for (const place of problems()) say(place, '');
  const fields = {
    codename: part('mission-codename', HTMLInputElement).value.trim(),
    objective: part('mission-objective', HTMLTextAreaElement).value.trim(),
    classification: part('mission-classification', HTMLSelectElement).value,
  };
  if (!fields.codename) return blame('codename', 'Give the mission a codename.');
  const button = part('mission-save', HTMLButtonElement);
  button.disabled = true;
  try {
    await save(fields);
    form.closest('dialog')?.close();
  } catch (error) {
    blame(error instanceof Refused ? (error.field ?? '') : '', inWords(error));
  } finally {
    button.disabled = false;
  }
}

function problems() {
  return [...document.querySelectorAll('#mission-form [data-problem]')];
}

/** @param {string} field @param {string} sentence */
function blame(field, sentence) {
  const place = problems().find((one) => one.getAttribute('data-problem') === field) ?? problems()[0];
  if (place) say(place, sentence);
  document.getElementById(`mission-${field}`)?.focus();
}

/** Asks before something is ended. @param {string} title @param {string} text @param {string} yes @param {() => Promise<unknown>} run */
export function ask(title, text, yes, run) {
  confirmed = run;
  say(part('confirm-title', HTMLElement), title);
  say(part('confirm-text', HTMLElement), text);
  say(part('confirm-yes', HTMLElement), yes);
  say(part('confirm-problem', HTMLElement), '');
  part('confirm-dialog', HTMLDialogElement).showModal();
}

/** @param {unknown} error */
export function inWords(error) {
  if (error instanceof Refused) return error.message;
  throw error;
}
