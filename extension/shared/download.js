// @ts-check
/** Hands a file to the person, made here. @type {(name: string, text: string) => void} */
export function save(name, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  // The browser reads it a moment later.
  setTimeout(() => { URL.revokeObjectURL(link.href); }, 10_000);
}
