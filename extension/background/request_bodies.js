// @ts-check
/** What a browser shows of a request's body: bytes, or a form's fields without its files; and of both the length. */

/**
 * @typedef {{ bytes: Uint8Array[], hidden: boolean, fields: [string, string][] | null, files: { name: string, type: string }[] }} Body
 *   hidden: whether there is more than these bytes; fields: of a form whose files are not shown, with a file's name for its value;
 *   files: of which only that is shown
 */

const BASE64 = /[A-Za-z0-9+/]{2048,}={0,2}/g;
/** A file's head in a form. */
const FILE = /; filename="([^"]*)"\r\nContent-Type: ([^\r\n]*)/g;
const HEADS = 64 * 1024;
const MOST_TEXT = 64 * 1024 * 1024;

/** @type {(body: any) => Body | null} of webRequest's requestBody */
export function readBody(body) {
  if (!body) return null;
  if (body.formData) {
    const fields = Object.entries(body.formData).flatMap(([name, values]) => (
      /** @type {string[]} */ (values).map((value) => /** @type {[string, string]} */ ([name, String(value)]))
    ));
    return { bytes: fields.map(([, value]) => new TextEncoder().encode(value)), hidden: true, fields, files: [] };
  }
  const parts = /** @type {{ bytes?: ArrayBuffer, file?: string, truncated?: boolean }[]} */ (body.raw ?? []);
  const bytes = parts.flatMap((part) => (part.bytes ? [new Uint8Array(part.bytes)] : []));
  const whole = joined(bytes);
  const files = Array.from(new TextDecoder().decode(whole.subarray(0, HEADS)).matchAll(FILE), ([, name = '', type = '']) => ({ name, type }));
  const hidden = Boolean(body.error) || parts.some(({ file, truncated }) => file !== undefined || truncated);
  return { bytes: [whole], hidden, fields: null, files };
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let from = 0;
  for (const part of parts) {
    all.set(part, from);
    from += part.length;
  }
  return all;
}

/** The bytes themselves, and what stands in them as text that stands for bytes. @type {(bytes: Uint8Array) => Uint8Array[]} */
export function readings(bytes) {
  if (bytes.length < 2048 || bytes.length > MOST_TEXT || bytes.subarray(0, 512).some((byte) => byte > 0x7e || byte === 0)) return [bytes];
  const text = new TextDecoder('latin1').decode(bytes);
  const found = Array.from(text.replaceAll('%2B', '+').replaceAll('%2F', '/').matchAll(BASE64), ([run]) => {
    const whole = run.slice(0, run.length - run.length % 4);
    return Uint8Array.from(atob(whole), (letter) => letter.charCodeAt(0));
  });
  return [bytes, ...found];
}

const length = (/** @type {string} */ text) => new TextEncoder().encode(text).length;

/**
 * How long the files of a form are, as Firefox writes it (RFC 7578), if these are among its fields.
 * @type {(fields: [string, string][], boundary: string, total: number, files: { name: string, type: string }[]) => number | null}
 */
export function lengthInForm(fields, boundary, total, files) {
  const left = files.map(({ name, type }) => ({ name, type }));
  let rest = total - length(`--${boundary}--\r\n`);
  for (const [name, value] of fields) {
    rest -= length(`--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"\r\n\r\n\r\n`);
    const at = left.findIndex((file) => file.name === value);
    if (at < 0) {
      rest -= length(value.replace(/\r\n|\r|\n/g, '\r\n'));
    } else {
      rest -= length(`; filename="${escaped(value)}"\r\nContent-Type: ${left[at]?.type || 'application/octet-stream'}`);
      left.splice(at, 1);
    }
  }
  return left.length ? null : rest;
}

/** @param {string} text */
const escaped = (text) => text.replace(/\r\n|\r|\n/g, '%0D%0A').replaceAll('"', '%22');
