/**
 * The keys of the room. Single letters work only outside of fields and dialogs, and never with a
 * modifier, so that they take nothing from the browser or from a screen reader's forms mode.
 *
 * @param {{step: (by: number) => void, filter: () => void,
 *   escape: () => void, sheet: () => void}} acts
 */
export function wireKeyboard(acts) {
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape') return acts.escape();
    if (target instanceof Element && target.matches('input:not([type="checkbox"]), select, textarea')) return;
    switch (event.key) {
      case '/': acts.filter(); break;
      case '?': acts.sheet(); break;
      case 'j': acts.step(1); break;
      case 'k': acts.step(-1); break;
      case 'a': press('[data-ack]'); break;
      case 'e': press('[data-revise]'); break;
      default: return;
    }
    event.preventDefault();
  });
}

/** Clicks a button of the focused entry. @param {string} which */
function press(which) {
  const button = document.activeElement?.closest('.entry')?.querySelector(which);
  if (button instanceof HTMLElement) button.click();
}
