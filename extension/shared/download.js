// @ts-check
/** Has the person save a text as a file. @type {(name: string, text: string) => void} */
export function save(name, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  // The browser reads the link a moment later.
  setTimeout(() => { URL.revokeObjectURL(link.href); }, 10_000);
}
