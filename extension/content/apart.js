// @ts-check
/**
 * Keeps a page out of windows that no script of ours is in yet. Where a window goes to another document of the same origin, that
 * document's window can be reached from the moment it is committed, long before its first element brings the scripts if the server
 * wishes so. Two documents reach each other only where both have set `document.domain`, or neither has: so each sets it, to what it
 * is, as the first thing that happens in it. Whoever has not yet is as another origin to the page.
 */
(() => {
  const ancestors = location.ancestorOrigins;
  // Framed by another origin, which could reach in here if that is a subdomain of this host and sets the same.
  for (let index = 0; index < (ancestors?.length ?? 0); index += 1) if (ancestors[index] !== window.origin) return;
  try {
    document.domain = document.domain;
  } catch {
    // A document without a host: nobody else has its origin.
  }
})();
