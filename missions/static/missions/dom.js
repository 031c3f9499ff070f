/** Building and finding elements. Text goes in as text nodes alone; there is no way in for markup. */

/**
 * @typedef {string | number | Node | null | false | undefined} Child
 * @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => unknown)>} Props
 */

/**
 * An element. A prop that is a function listens to the event of that name, `true` sets an empty
 * attribute, `false`, null and undefined set nothing.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Props} [props] @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  put(element, ...children);
  return element;
}

/** Replaces what the element holds. @param {Element} element @param {...Child} children */
export function put(element, ...children) {
  element.replaceChildren(
    ...children.flatMap((child) =>
      child === null || child === undefined || child === false ? [] : [child instanceof Node ? child : String(child)]),
  );
}

/** Writes text only where it differs, so that nothing is announced or repainted for nothing. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The element with that id, which the shell promises to hold.
 *
 * @template {HTMLElement} T
 * @param {string} id @param {new () => T} kind
 * @returns {T}
 */
export function part(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`The shell has no ${kind.name} #${id}.`);
  return element;
}

/** Text for screen readers alone. @param {string} text */
export function unseen(text) {
  return h('span', { class: 'unseen' }, text);
}
