// A window that the page kept goes to an address whose document does not come: its new window is there before any script of ours.
// The page's name says which window, and what the server sends instead of a document.
const [, kind, answer] = location.pathname.split('.');
const address2 = `/${answer}?${Math.random()}`;
let kept = null;
let before = null;
let found = false;
let wanted = answer;
const look2 = () => {
  if (found) return;
  try {
    if (kept && kept.Object !== before && kept.document.URL.includes(wanted)) { found = true; use(kept); say('ready'); return; }
  } catch { /* Of another origin. */ }
  again();
};
const { port1, port2 } = new MessageChannel();
port1.onmessage = look2;
const again = () => {
  if (window.scheduler) scheduler.postTask(look2, { priority: 'user-blocking', delay: 1 });
  else port2.postMessage(0);
};
const watch2 = (view, go) => {
  kept = view;
  try { before = view.Object; } catch { before = null; }
  go(view);
  again();
};
const leave = (view) => { view.location = address2; };
const kinds = {
  popup() { watch2(open('about:blank'), leave); },
  second() {
    const view = open('/frame.html');
    setTimeout(() => watch2(view, leave), 1500);
  },
  shadow() {
    const frame = document.createElement('iframe');
    document.body.appendChild(document.createElement('div')).attachShadow({ mode: 'open' }).append(frame);
    watch2(frame.contentWindow, leave);
  },
  data() {
    const frame = document.createElement('iframe');
    frame.src = 'data:text/html,<p>x';
    frame.onload = () => { frame.onload = null; watch2(frame.contentWindow, () => { frame.src = address2; }); };
    document.body.append(frame);
  },
  grandchild() {
    const first = open('/frame.html');
    setTimeout(() => {
      const second = first.open('about:blank');
      addEventListener('pagehide', () => first.close());
      watch2(second, leave);
    }, 1500);
  },
  served() {
    served().then(() => {
      wanted = 'held-back';
      const frame = document.createElement('iframe');
      document.body.append(frame);
      setTimeout(() => watch2(frame.contentWindow, (view) => { view.location = '/held-back'; }), 300);
    });
  },
  blank() {
    wanted = 'about:blank';
    const frame = document.createElement('iframe');
    document.body.append(frame);
    watch2(frame.contentWindow, (view) => { view.location = 'about:blank#x'; frame.src = 'about:blank'; });
  },
  script() {
    wanted = '';
    const frame = document.createElement('iframe');
    document.body.append(frame);
    watch2(frame.contentWindow, () => { frame.src = 'javascript:"<p>x"'; });
  },
  blob() {
    wanted = 'blob:';
    const frame = document.createElement('iframe');
    document.body.append(frame);
    watch2(frame.contentWindow, () => { frame.src = URL.createObjectURL(new Blob(['<p>x'], { type: 'text/html' })); });
  },
  frame() {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    watch2(frame.contentWindow, leave);
  },
};
addEventListener('load', () => { setTimeout(kinds[kind], 0); });
setTimeout(() => say('ready'), 8000);
addEventListener('pagehide', () => kept?.close());
