// The page was there before it is used: made ahead by the browser, kept while the person was elsewhere, or made by its service worker.
const way = location.pathname.split('.')[1];
const { get } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'files');
const read = () => take(get.call(photo));
for (const name of ['input', 'change', 'focusin']) addEventListener(name, read, true);
setInterval(read, 5);
const is = new URL(location.href).searchParams;
const ways = {
  prerendered() {
    if (is.has('again')) { say('ready'); return; }
    const rules = document.createElement('script');
    rules.type = 'speculationrules';
    const there = `${location.pathname}${location.search}&again`;
    rules.textContent = JSON.stringify({ prerender: [{ source: 'list', urls: [there], eagerness: 'immediate' }] });
    document.body.append(rules);
    setTimeout(() => { location = there; }, 1500);
  },
  kept() {
    addEventListener('pageshow', () => { if (sessionStorage.left) setTimeout(() => say('ready'), 500); });
    addEventListener('load', () => {
      if (sessionStorage.left) return;
      sessionStorage.left = 'yes';
      setTimeout(() => { location = '/returning'; }, 300);
    });
  },
  async made() {
    if (is.has('again')) { say('ready'); return; }
    await served();
    setTimeout(() => { location = `${location.pathname}${location.search}&again`; }, 500);
  },
};
ways[way]();
