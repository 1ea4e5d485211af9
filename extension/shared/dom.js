// @ts-check
/** Finds, makes and fills the elements of the extension's pages, in the person's language. */

/** Isolates text from the writing direction around it. @param {string} text */
const isolated = (text) => `\u2068${text}\u2069`;

/** @type {(name: string, ...values: string[]) => string} */
export const words = (name, ...values) => {
  const isLeftward = chrome.i18n.getMessage('direction') === 'rtl';
  return chrome.i18n.getMessage(name, isLeftward ? values.map(isolated) : values);
};

/** Puts the words into every element that names a message. */
export function localise() {
  // The language of the words shown, which need not be the browser's.
  document.documentElement.lang = words('language');
  document.documentElement.dir = words('direction');
  for (const node of document.querySelectorAll('[data-words]')) node.textContent = words(node.getAttribute('data-words') ?? '');
  for (const node of document.querySelectorAll('[data-label]')) node.setAttribute('aria-label', words(node.getAttribute('data-label') ?? ''));
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {{ new (): T }} kind
 * @returns {T}
 */
export function find(id, kind) {
  const node = document.getElementById(id);
  if (!(node instanceof kind)) throw new Error(`no ${id}`);
  return node;
}

/** @type {(name: string, properties: { [property: string]: unknown }, ...children: (Node | string)[]) => HTMLElement} */
export function make(name, properties, ...children) {
  const node = document.createElement(name);
  Object.assign(node, properties);
  node.append(...children);
  return node;
}

/** Shows an answer beside what was asked. @type {(id: string, message: string, mood: 'good' | 'bad') => void} */
export function say(id, message, mood) {
  const node = find(id, HTMLElement);
  node.className = `small ${mood}`;
  node.textContent = message;
}
