/** The rail and the right column as drawers on narrow screens, and dialogs that can be dismissed. */
import { icon } from './icons.js';
import { part } from './dom.js';

const rail = () => part('rail', HTMLElement);
const side = () => part('side', HTMLElement);

/** @type {HTMLElement | null} */
let opener = null;
/** @type {() => void} */
let changed = () => {};

/** @param {() => void} onChange what is on screen is another */
export function wirePanels(onChange) {
  changed = onChange;
  const openRail = part('open-rail', HTMLButtonElement);
  openRail.addEventListener('click', () => open(rail(), openRail));
  for (const button of document.querySelectorAll('[data-open-side]')) {
    if (button instanceof HTMLElement) button.addEventListener('click', () => open(side(), button));
  }
  for (const button of document.querySelectorAll('[data-close]')) {
    button.append(icon('close'));
    button.addEventListener('click', closePanels);
  }
  part('veil', HTMLElement).addEventListener('click', closePanels);
  for (const button of document.querySelectorAll('[data-dismiss]')) {
    button.addEventListener('click', () => button.closest('dialog')?.close());
  }
}

/** Closes the drawer that is open, if one is; its opener has the focus again. @returns {boolean} */
export function closePanels() {
  const panel = document.querySelector('.rail.open, .side.open');
  if (!panel) return false;
  panel.classList.remove('open');
  behind(false);
  part('veil', HTMLElement).hidden = true;
  opener?.setAttribute('aria-expanded', 'false');
  opener?.focus();
  opener = null;
  changed();
  return true;
}

/** @param {HTMLElement} panel @param {HTMLElement} by */
function open(panel, by) {
  closePanels();
  opener = by;
  by.setAttribute('aria-expanded', 'true');
  panel.classList.add('open');
  behind(true);
  part('veil', HTMLElement).hidden = false;
  const first = panel.querySelector('[data-close]');
  if (first instanceof HTMLElement) first.focus();
  changed();
}

/** What lies behind an open drawer takes neither focus nor clicks. @param {boolean} still */
function behind(still) {
  for (const element of document.querySelectorAll('.middle, .topbar')) element.toggleAttribute('inert', still);
}
