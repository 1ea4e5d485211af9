// The page's own code runs while a frame is put into the document, before anybody could look at the frame. The page's name says how.
const way = location.pathname.split('.')[1];
const bare = '<iframe src="/nothing"></iframe>';
let tries = 0;
/** Uses the first frame's window at once. */
const grab = () => {
  tries += 1;
  try { use(window[0]); } catch { /* There is none. */ }
};
const element = (name, options, ...children) => {
  const node = Object.assign(document.createElement(name), options);
  node.append(...children);
  return node;
};
const box = document.body.appendChild(document.createElement('div'));
const ways = {
  fragment() {
    const fragment = document.createDocumentFragment();
    fragment.append(element('iframe', { src: '/nothing' }), element('script', { textContent: 'grab()' }));
    box.append(fragment);
  },
  range() {
    box.append(document.createRange().createContextualFragment(`<p>${bare}<script>grab()<\/script></p>`));
  },
  callback() {
    customElements.define('x-late', class extends HTMLElement { connectedCallback() { grab(); } });
    box.innerHTML = `${bare}<x-late></x-late>`;
  },
  appended() {
    customElements.define('x-late', class extends HTMLElement { connectedCallback() { grab(); } });
    box.append(element('p', {}, element('iframe', { src: '/nothing' }), document.createElement('x-late')));
  },
  constructed() {
    customElements.define('x-late', class extends HTMLElement { constructor() { grab(); super(); } });
    box.innerHTML = `${bare}<x-late></x-late>`;
  },
  adjacent() {
    customElements.define('x-late', class extends HTMLElement { constructor() { grab(); super(); } });
    box.insertAdjacentHTML('beforeend', `${bare}<x-late></x-late>`);
  },
  outer() {
    customElements.define('x-late', class extends HTMLElement { constructor() { grab(); super(); } });
    box.outerHTML = `<div>${bare}<x-late></x-late></div>`;
  },
  unsafe() {
    customElements.define('x-late', class extends HTMLElement { connectedCallback() { grab(); } });
    box.setHTMLUnsafe(`${bare}<x-late></x-late>`);
  },
  built() {
    customElements.define('x-frame', class extends HTMLIFrameElement { connectedCallback() { grab(); } }, { extends: 'iframe' });
    box.innerHTML = '<iframe is="x-frame" src="/nothing"></iframe>';
  },
  attribute() {
    customElements.define('x-late', class extends HTMLElement {
      static observedAttributes = ['class'];
      attributeChangedCallback() { grab(); }
    });
    box.innerHTML = `${bare}<x-late class="x"></x-late>`;
  },
  loaded() {
    box.append(element('iframe', { src: '/nothing' }), element('iframe', { onload: grab }));
  },
  blanked() {
    box.append(element('iframe', { src: 'about:blank' }), element('script', { textContent: 'grab()' }));
  },
  texted() {
    box.append(element('p', {}, element('iframe', { srcdoc: '<p>x' }), element('script', { textContent: 'grab()' })));
  },
  within() {
    box.append(element('iframe', { src: '/nothing' }, element('script', { textContent: 'grab()' })));
  },
  scripted() {
    box.append(element('iframe', { src: 'javascript:parent.use(window)' }));
  },
  option() {
    const list = box.appendChild(document.createElement('select'));
    list.options.add(element('option', {}, element('iframe', { src: '/nothing' })));
    grab();
  },
  object() {
    box.append(element('object', { data: '/nothing', type: 'text/html' }));
    box.offsetWidth;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { grab(); if (tries < 3000 && !window[0]) port2.postMessage(0); };
    port2.postMessage(0);
  },
  embed() {
    box.append(element('embed', { src: '/nothing', type: 'text/html' }));
    box.offsetWidth;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { grab(); if (tries < 3000 && !window[0]) port2.postMessage(0); };
    port2.postMessage(0);
  },
  trusted() {
    const policy = trustedTypes.createPolicy('hostile', { createHTML: (text) => text });
    document.write(policy.createHTML(`${bare}<script>grab()<\/script>`));
  },
  link() {
    const link = element('a', { href: 'javascript:opener.use(window)', target: 'another', rel: 'opener' });
    document.body.append(link);
    link.click();
  },
  detached() {
    element('a', { href: 'javascript:opener.use(window)', target: 'another', rel: 'opener' }).click();
  },
  vector() {
    const space = 'http://www.w3.org/2000/svg';
    const drawing = document.createElementNS(space, 'svg');
    const link = drawing.appendChild(document.createElementNS(space, 'a'));
    link.setAttribute('href', 'java\tscript:opener.use(window)');
    link.setAttribute('target', 'another');
    document.body.append(drawing);
    link.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  },
  posted() {
    const form = element('form', { action: 'javascript:opener.use(window)', target: 'another' });
    document.body.append(form);
    form.submit();
  },
  adopted() {
    customElements.define('x-late', class extends HTMLElement { constructor() { grab(); super(); } connectedCallback() { grab(); } });
    const other = new DOMParser().parseFromString(`<div>${bare}<x-late></x-late></div>`, 'text/html');
    box.append(document.adoptNode(other.body.firstChild));
  },
  cloned() {
    const template = element('template');
    template.content.append(element('iframe', { src: '/nothing' }), element('script', { textContent: 'grab()' }));
    box.append(document.importNode(template.content, true));
  },
  hidden() {
    const host = document.createElement('div');
    host.attachShadow({ mode: 'closed' }).append(element('script', { textContent: 'grab()' }));
    box.append(element('p', {}, element('iframe', { src: '/nothing' }), host));
  },
  swapped() {
    customElements.define('x-late', class extends HTMLElement { disconnectedCallback() { grab(); } });
    const late = box.appendChild(document.createElement('x-late'));
    late.replaceWith(element('iframe', { src: '/nothing' }));
  },
  changing() {
    customElements.define('x-late', class extends HTMLElement { connectedCallback() { grab(); } });
    for (const silent of [1, 0]) {
      let reads = 0;
      box.innerHTML = { toString: () => (reads++ < silent ? '' : `${bare}<x-late></x-late>`) };
    }
  },
  matched() {
    customElements.define('x-late', class extends HTMLElement { connectedCallback() { grab(); } });
    RegExp.prototype.exec = () => null;
    box.innerHTML = `${bare}<x-late></x-late>`;
  },
  named() {
    document.body.append(element('iframe', { name: 'inner' }));
    const link = element('a', { href: '/nothing', target: 'other' , rel: 'opener' });
    document.body.append(link);
    link.click();
    use(open('', 'other'));
  },
};
try { ways[way](); } catch { /* Refused. */ }
// Some of it runs later.
let looks = 0;
const armed = setInterval(() => {
  looks += 1;
  if (!photo.onclick && looks < 75) return;
  clearInterval(armed);
  say('ready');
}, 20);
