// Frames, opens, fetches and includes the extension's own pages and files.
window.opened = [];
window.reach = async (addresses) => {
  const reached = [];
  const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
  for (const address of addresses) {
    const { origin } = new URL(address);
    const root = address.slice(0, address.indexOf('/', address.indexOf('//') + 2));
    await fetch(address, { mode: 'no-cors' }).then(() => reached.push(`fetched ${address}`), () => {});
    for (const [tag, file] of [['img', 'icons/16.png'], ['script', 'hold/hold.js'], ['link', 'shared/style.css']]) {
      const node = document.createElement(tag);
      await Promise.race([wait(200), new Promise((done) => {
        node.onerror = done;
        node.onload = () => { reached.push(`${tag} ${file} ${origin}`); done(); };
        Object.assign(node, tag === 'link' ? { rel: 'stylesheet', href: `${root}/${file}` } : { src: `${root}/${file}` });
        document.body.append(node);
      })]);
    }
    const frame = document.createElement('iframe');
    frame.src = address;
    document.body.append(frame);
    const heard = [];
    addEventListener('message', ({ data }) => heard.push(data));
    try {
      window.opened.push(open(address));
    } catch {
      // Not to be opened.
    }
    await wait(300);
    frame.remove();
    if (heard.length) reached.push(`heard ${address}`);
  }
  return reached;
};
