// Looks in timers, frames, microtasks, messages and idle moments.
setInterval(look, 0);
const frames = () => { look(); requestAnimationFrame(frames); };
frames();
const { port1, port2 } = new MessageChannel();
port1.onmessage = () => { look(); setTimeout(() => port2.postMessage(0), 2); };
port2.postMessage(0);
const idle = () => { look(); requestIdleCallback(idle); };
idle();
for (const name of ['click', 'focus', 'input', 'change']) addEventListener(name, () => { queueMicrotask(look); Promise.resolve().then(look); setTimeout(look); }, true);
new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
