// @ts-check
/** Reads what a browser shows of a request's body: its bytes, or a form's fields without its files. */

/**
 * @typedef {{ bytes: Uint8Array[], hidden: boolean, fields: [string, string][] | null, files: { name: string, type: string }[] }} Body
 *   hidden: whether there is more than these bytes; fields: those of a form whose files are not shown, a file's value being its name;
 *   files: those of which only name and type are shown
 */

const BASE64 = /[A-Za-z0-9+/]{2048,}={0,2}/g;
/** The headers of a file in a form. */
const FILE_HEADERS = /; filename="([^"]*)"\r\nContent-Type: ([^\r\n]*)/g;
const HEADERS_WITHIN = 64 * 1024;
const MAX_TEXT = 64 * 1024 * 1024;

/** @type {(body: any) => Body | null} body: webRequest's requestBody */
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
  const files = Array.from(new TextDecoder().decode(whole.subarray(0, HEADERS_WITHIN)).matchAll(FILE_HEADERS), ([, name = '', type = '']) => ({ name, type }));
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

/** The bytes themselves, and those that base64 in them stands for. @type {(bytes: Uint8Array) => Uint8Array[]} */
export function decodings(bytes) {
  if (bytes.length < 2048 || bytes.length > MAX_TEXT || bytes.subarray(0, 512).some((byte) => byte > 0x7e || byte === 0)) return [bytes];
  const text = new TextDecoder('latin1').decode(bytes);
  const found = Array.from(text.replaceAll('%2B', '+').replaceAll('%2F', '/').matchAll(BASE64), ([run]) => {
    const whole = run.slice(0, run.length - run.length % 4);
    return Uint8Array.from(atob(whole), (letter) => letter.charCodeAt(0));
  });
  return [bytes, ...found];
}

const length = (/** @type {string} */ text) => new TextEncoder().encode(text).length;

/**
 * The length in bytes of these files together in a form that Firefox wrote (RFC 7578); null if they are not all among its fields.
 * @type {(fields: [string, string][], boundary: string, total: number, files: { name: string, type: string }[]) => number | null}
 */
export function lengthOfFiles(fields, boundary, total, files) {
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
