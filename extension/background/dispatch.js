// @ts-check
/** Hands messages to tables of handlers, one table for each kind of sender. */

/**
 * @template {{ type: string }} Message
 * @typedef {{ [Type in Message['type']]: (message: Extract<Message, { type: Type }>) => unknown }} Handlers  one for each type
 */

/** Whether something comes from one of the extension's own pages. @param {chrome.runtime.MessageSender | undefined} sender */
export const isOwnPage = (sender) => sender?.id === chrome.runtime.id && (sender.url ?? '').startsWith(chrome.runtime.getURL(''));

/**
 * The handler of a message's type, null of a type that the table lacks.
 * @template {{ type: string }} Message
 * @param {Handlers<Message>} handlers
 * @param {Message} message
 */
export function handlerOf(handlers, { type }) {
  const table = /** @type {{ [type: string]: (message: Message) => unknown }} */ (/** @type {unknown} */ (handlers));
  return Object.hasOwn(table, type) ? table[type] ?? null : null;
}

/**
 * Has the messages of a port handled; those of unknown types are ignored.
 * @template {{ type: string }} Message
 * @param {chrome.runtime.Port} port
 * @param {Handlers<Message>} handlers
 */
export function handleMessages(port, handlers) {
  port.onMessage.addListener((/** @type {Message} */ message) => { handlerOf(handlers, message)?.(message); });
}
