/** What the widgets' pages have in common. None of it knows of Cloakroom. */

/** Where a widget sends to; the run is in the page's own address. */
export const endpoint = `/upload${location.search}&as=json`;

/**
 * @param {string} [tag]
 * @returns {HTMLElement} a place for the widget
 */
export function place(tag = 'div') {
  const element = document.body.appendChild(document.createElement(tag));
  element.id = 'place';
  return element;
}

/** The widget itself says that its upload has worked. */
export function sent() {
  document.title = 'sent';
}

/** @param {Blob | string} body @param {string} name */
export async function post(body, name) {
  const answer = await fetch(`${endpoint}&name=${encodeURIComponent(name)}`, { method: 'POST', body });
  if (answer.ok) sent();
}
