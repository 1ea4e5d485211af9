// Offers its own port as the page's side of the channel, and listens at every port that it can get.
const offer = (target) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => { say('won'); take(data?.files); };
  target.dispatchEvent(new MessageEvent('cloakroom-offer', { ports: [port2] }));
  port1.postMessage({ id: 1, files: [new File(['page'], 'page.jpg')] });
};
addEventListener('cloakroom-offer', ({ ports }) => { if (!ports[0].mine) take(ports); }, true);
for (const name of ['load', 'click', 'pointerdown', 'input', 'change', 'focusin']) addEventListener(name, () => { offer(window); offer(document); offer(photo); say('tried'); }, true);
offer(window);
for (const name of ['input', 'change']) photo.addEventListener(name, look);
