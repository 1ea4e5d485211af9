// Calls built-ins in their ordinary ways, wrong ones among them, and notes what comes of each. None of it knows of Cloakroom.
'use strict';

/** Built-ins of this window that are not the browser's own, as "Owner.member". */
function replacedBuiltIns() {
  const isNative = (part) => typeof part !== 'function' || /\[native code\]/.test(Function.prototype.toString.call(part));
  const found = [];
  const look = (owner, holder) => {
    for (const name of Object.getOwnPropertyNames(holder)) {
      const { value, get, set } = Object.getOwnPropertyDescriptor(holder, name);
      if (![value, get, set].every(isNative)) found.push(`${owner}.${name}`);
    }
  };
  for (const name of Object.getOwnPropertyNames(window)) {
    const value = Object.getOwnPropertyDescriptor(window, name).value;
    if (typeof value === 'function' && isNative(value) && typeof value.prototype === 'object' && value.prototype) look(name, value.prototype);
  }
  for (const name of ['event', 'open', 'showOpenFilePicker', 'showSaveFilePicker', 'showDirectoryPicker', 'webkitRequestFileSystem', 'webkitResolveLocalFileSystemURL']) {
    const { value, get, set } = Object.getOwnPropertyDescriptor(window, name) ?? {};
    if (![value, get, set].every(isNative)) found.push(`window.${name}`);
  }
  if (window.FormData !== window.FormData.prototype.constructor) found.push('window.FormData');
  return found.sort();
}

const make = (name, html = '') => {
  const node = document.createElement(name);
  node.innerHTML = html;
  return node;
};
const box = (html = '<i>1</i>') => document.body.appendChild(make('section', html));
/** What a call gives, and what it leaves in a box. */
const inBox = (call) => () => {
  const node = box();
  const result = call(node);
  const told = [kindOf(result), node.outerHTML];
  node.remove();
  return told;
};
const kindOf = (value) => (value === null || value === undefined || typeof value !== 'object' && typeof value !== 'function' ? String(value) : Object.prototype.toString.call(value));
const failing = (call) => () => {
  try {
    return kindOf(call());
  } catch (error) {
    return [error.name, error.message, error instanceof Error];
  }
};
const settled = (call) => async () => {
  try {
    return kindOf(await call());
  } catch (error) {
    return [error.name, error.message];
  }
};
const file = () => new File(['x'], 'x.txt', { type: 'text/plain', lastModified: 1 });
const transfer = () => { const data = new DataTransfer(); data.items.add(file()); return data; };
const input = () => Object.assign(document.createElement('input'), { type: 'file', name: 'f' });
const frame = (call) => () => {
  const node = document.body.appendChild(make('iframe'));
  const told = call(node);
  node.remove();
  return told;
};
const database = () => new Promise((resolve, reject) => {
  const request = indexedDB.open('apis', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('all');
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const stored = (call) => async () => {
  const open = await database();
  const store = open.transaction('all', 'readwrite').objectStore('all');
  store.clear();
  store.put('old', 'key');
  const request = await call(store);
  const result = await new Promise((resolve) => { request.onsuccess = () => resolve(String(request.result)); request.onerror = () => resolve(request.error.name); });
  open.close();
  return result;
};
const ownFile = async () => (await navigator.storage.getDirectory()).getFileHandle('draft.txt', { create: true });
const range = (node) => { const made = document.createRange(); made.selectNodeContents(node); return made; };
const docType = () => document.implementation.createDocument(null, 'a', document.implementation.createDocumentType('a', '', ''));

const CALLS = {
  'Node.appendChild': [inBox((node) => node.appendChild(make('b'))), failing(() => document.body.appendChild()), failing(() => document.body.appendChild('b'))],
  'Node.insertBefore': [inBox((node) => node.insertBefore(make('b'), node.firstChild)), failing(() => document.body.insertBefore(make('b')))],
  'Node.replaceChild': [inBox((node) => node.replaceChild(make('b'), node.firstChild)), failing(() => document.body.replaceChild(make('b'), make('i')))],
  'Element.append': [inBox((node) => node.append(make('b'), 'text'))],
  'Element.prepend': [inBox((node) => node.prepend(make('b'), 'text'))],
  'Element.before': [inBox((node) => node.firstChild.before(make('b'), 'text'))],
  'Element.after': [inBox((node) => node.firstChild.after(make('b'), 'text'))],
  'Element.replaceWith': [inBox((node) => node.firstChild.replaceWith(make('b')))],
  'Element.replaceChildren': [inBox((node) => node.replaceChildren(make('b'), 'text'))],
  'Element.moveBefore': [inBox((node) => { node.append(make('b')); return node.moveBefore(node.lastChild, node.firstChild); }), failing(() => document.body.moveBefore(make('b'), null))],
  'Element.insertAdjacentElement': [inBox((node) => node.insertAdjacentElement('afterbegin', make('b'))), failing(() => document.body.insertAdjacentElement('nowhere', make('b')))],
  'Element.insertAdjacentHTML': [inBox((node) => node.insertAdjacentHTML('beforeend', '<b>2</b>')), failing(() => document.body.insertAdjacentHTML('nowhere', ''))],
  'Element.setHTML': [inBox((node) => node.setHTML('<b onclick="1">2</b>'))],
  'Element.setHTMLUnsafe': [inBox((node) => node.setHTMLUnsafe('<b>2</b>'))],
  'Element.innerHTML': [inBox((node) => { node.innerHTML = '<b>2</b>'; return node.innerHTML; }), inBox((node) => { node.innerHTML = null; return node.innerHTML; })],
  'Element.outerHTML': [inBox((node) => { node.firstChild.outerHTML = '<b>2</b>'; return node.innerHTML; })],
  'Element.attachShadow': [() => { const root = make('div').attachShadow({ mode: 'closed' }); return [kindOf(root), root.mode]; }, failing(() => make('img').attachShadow({ mode: 'open' })), failing(() => make('div').attachShadow())],
  'CharacterData.before': [inBox((node) => { node.append('t'); return node.lastChild.before(make('b')); })],
  'CharacterData.after': [inBox((node) => { node.append('t'); return node.lastChild.after(make('b')); })],
  'CharacterData.replaceWith': [inBox((node) => { node.append('t'); return node.lastChild.replaceWith(make('b')); })],
  'DocumentType.before': [() => { const made = docType(); made.doctype.before(made.createComment('c')); return made.firstChild.nodeName; }],
  'DocumentType.after': [() => { const made = docType(); made.doctype.after(made.createComment('c')); return made.childNodes.length; }],
  'DocumentType.replaceWith': [() => { const made = docType(); made.doctype.replaceWith(made.createComment('c')); return made.firstChild.nodeName; }],
  'Document.append': [() => { const made = new Document(); made.append(made.createElement('a')); return made.childNodes.length; }, failing(() => document.append(make('b')))],
  'Document.prepend': [() => { const made = new Document(); made.prepend(made.createElement('a')); return made.childNodes.length; }],
  'Document.replaceChildren': [() => { const made = docType(); made.replaceChildren(); return made.childNodes.length; }],
  'Document.moveBefore': [failing(() => document.moveBefore(make('b'), null))],
  'Document.execCommand': [() => document.execCommand('nonsense'), inBox((node) => { node.contentEditable = 'true'; getSelection().selectAllChildren(node); const done = document.execCommand('insertHTML', false, '<b>2</b>'); node.removeAttribute('contenteditable'); return done; })],
  'Document.body': [() => { const made = document.implementation.createHTMLDocument(''); made.body = made.createElement('body'); return kindOf(made.body); }, failing(() => { document.implementation.createHTMLDocument('').body = null; })],
  'Document.open': [frame((node) => kindOf(node.contentDocument.open())), failing(() => new Document().open())],
  'Document.write': [frame((node) => { const inner = node.contentDocument; inner.open(); const result = inner.write('<p>1</p>', 2); inner.close(); return [result, inner.body.innerHTML]; })],
  'Document.writeln': [frame((node) => { const inner = node.contentDocument; inner.open(); inner.writeln('<p>1'); inner.close(); return inner.body.innerHTML; })],
  'HTMLSelectElement.add': [() => { const list = make('select', '<option>1'); list.add(new Option('2'), 0); return list.innerHTML; }, failing(() => make('select').add('2'))],
  'HTMLSelectElement.options': [() => { const list = make('select', '<option>1'); return [kindOf(list.options), list.options === list.options, list.options.length]; }, failing(() => Object.create(HTMLSelectElement.prototype).options)],
  'HTMLOptionsCollection.add': [() => { const list = make('select', '<option>1'); list.options.add(new Option('2'), 0); return list.innerHTML; }, failing(() => make('select').options.add('2'))],
  'CustomElementRegistry.define': [() => customElements.define('x-api', class extends HTMLElement {}), () => kindOf(make('x-api')), failing(() => customElements.define('x', class extends HTMLElement {})), failing(() => customElements.define('x-other')), failing(() => customElements.define('x-api', class extends HTMLElement {})), () => customElements.define('x-list', class extends HTMLUListElement {}, { extends: 'ul' })],
  'Range.insertNode': [inBox((node) => range(node).insertNode(make('b'))), failing(() => document.createRange().insertNode())],
  'Range.surroundContents': [inBox((node) => range(node).surroundContents(make('b'))), failing(() => { const made = range(document.body); made.setEnd(document.querySelector('#place').firstChild, 1); made.setStart(document.head, 0); made.surroundContents(make('b')); })],
  'HTMLTableElement.caption': [() => { const table = make('table'); table.caption = make('caption', '1'); return table.outerHTML; }, failing(() => { make('table').caption = make('b'); })],
  'HTMLTableElement.tHead': [() => { const table = make('table'); table.tHead = make('thead'); return table.outerHTML; }],
  'HTMLTableElement.tFoot': [() => { const table = make('table'); table.tFoot = make('tfoot'); return table.outerHTML; }],
  'HTMLIFrameElement.contentWindow': [frame((node) => [node.contentWindow === window[window.length - 1], node.contentWindow.parent === window]), () => kindOf(make('iframe').contentWindow)],
  'HTMLIFrameElement.contentDocument': [frame((node) => node.contentDocument.URL)],
  'HTMLIFrameElement.getSVGDocument': [frame((node) => kindOf(node.getSVGDocument()))],
  'HTMLFrameElement.contentWindow': [() => kindOf(make('frame').contentWindow)],
  'HTMLFrameElement.contentDocument': [() => kindOf(make('frame').contentDocument)],
  'HTMLObjectElement.contentWindow': [() => kindOf(make('object').contentWindow)],
  'HTMLObjectElement.contentDocument': [() => kindOf(make('object').contentDocument)],
  'HTMLObjectElement.getSVGDocument': [() => kindOf(make('object').getSVGDocument())],
  'HTMLEmbedElement.getSVGDocument': [() => kindOf(make('embed').getSVGDocument())],
  'HTMLInputElement.files': [() => { const node = input(); node.files = transfer().files; return [node.files.length, node.files[0].name, node.value]; }, () => make('input').files, failing(() => { input().files = 'x'; }), () => { const node = input(); node.files = null; return node.files.length; }],
  'HTMLInputElement.value': [() => { const node = make('input'); node.value = 'x'; return node.value; }, () => input().value, failing(() => { input().value = 'x'; })],
  'HTMLInputElement.showPicker': [failing(() => input().showPicker()), failing(() => Object.assign(make('input'), { type: 'text' }).showPicker())],
  'HTMLElement.click': [() => { const node = make('button'); let clicks = 0; node.onclick = () => { clicks += 1; }; return [node.click(), clicks]; }, failing(() => HTMLElement.prototype.click.call(document))],
  'EventTarget.dispatchEvent': [() => new EventTarget().dispatchEvent(new Event('a')), failing(() => new EventTarget().dispatchEvent()), () => { const node = make('p'); node.addEventListener('a', (event) => event.preventDefault()); return node.dispatchEvent(new Event('a', { cancelable: true })); }],
  'EventTarget.addEventListener': [() => { const node = input(); let heard = 0; const result = node.addEventListener('change', () => { heard += 1; }, { once: true }); node.dispatchEvent(new Event('change')); node.dispatchEvent(new Event('change')); return [result, heard]; }, failing(() => make('p').addEventListener('a'))],
  'HTMLFormElement.submit': [failing(() => make('form').submit())],
  'HTMLFormElement.requestSubmit': [() => kindOf(make('form').requestSubmit()), failing(() => make('form').requestSubmit(make('p')))],
  'FormData.constructor': [() => FormData === FormData.prototype.constructor, () => kindOf(new FormData())],
  'window.FormData': [() => [...new FormData(make('form', '<input name=a value=1>'))].join(), failing(() => new FormData('x')), failing(() => FormData()), () => [FormData.name, FormData.length, new (class extends FormData {})() instanceof FormData]],
  'FileSystemFileHandle.getFile': [settled(async () => (await ownFile()).getFile()), async () => (await (await ownFile()).getFile()).name],
  'FileSystemHandle.queryPermission': [settled(async () => (await ownFile()).queryPermission())],
  'FileSystemHandle.requestPermission': [settled(async () => (await ownFile()).requestPermission())],
  'Clipboard.read': [async () => { try { return kindOf(await Promise.race([navigator.clipboard.read(), new Promise((resolve) => setTimeout(resolve, 300, 'asks'))])); } catch (error) { return error.name; } }],
  'ClipboardItem.getType': [async () => (await new ClipboardItem({ 'text/plain': 'x' }).getType('text/plain')).text(), settled(() => new ClipboardItem({ 'text/plain': 'x' }).getType('image/png'))],
  'window.showOpenFilePicker': [settled(() => showOpenFilePicker({ id: '*' }))],
  'window.showSaveFilePicker': [settled(() => showSaveFilePicker({ id: '*' }))],
  'window.showDirectoryPicker': [settled(() => showDirectoryPicker({ id: '*' }))],
  'LaunchQueue.setConsumer': [() => kindOf(launchQueue.setConsumer(() => {})), failing(() => launchQueue.setConsumer())],
  'window.webkitRequestFileSystem': [() => new Promise((resolve) => { window.webkitRequestFileSystem(window.TEMPORARY, 1, (system) => resolve([kindOf(system), kindOf(system.root)]), (error) => resolve(error.name)); }), failing(() => window.webkitRequestFileSystem())],
  'window.webkitResolveLocalFileSystemURL': [() => new Promise((resolve) => { window.webkitResolveLocalFileSystemURL('filesystem:x', resolve, (error) => resolve(error.name)); }), failing(() => window.webkitResolveLocalFileSystemURL())],
  'Worker.postMessage': [() => new Promise((resolve) => { const worker = new Worker(URL.createObjectURL(new Blob(['onmessage = ({ data }) => postMessage(data)']))); worker.onmessage = ({ data }) => { worker.terminate(); resolve(JSON.stringify(data)); }; worker.postMessage({ a: [1, { b: 2 }] }); })],
  'MessagePort.postMessage': [() => new Promise((resolve) => { const { port1, port2 } = new MessageChannel(); port2.onmessage = ({ data }) => resolve([data.byteLength, buffer.byteLength]); const buffer = new ArrayBuffer(4); port1.postMessage(buffer, [buffer]); }), failing(() => new MessageChannel().port1.postMessage(() => {})), failing(() => new MessageChannel().port1.postMessage())],
  'BroadcastChannel.postMessage': [() => new Promise((resolve) => { const [one, two] = [new BroadcastChannel('a'), new BroadcastChannel('a')]; two.onmessage = ({ data }) => { one.close(); two.close(); resolve(data); }; one.postMessage('x'); })],
  'ServiceWorker.postMessage': [failing(() => ServiceWorker.prototype.postMessage.call({}, 1))],
  'IDBObjectStore.add': [stored((store) => store.add({ a: 1 }, 'new')), stored((store) => store.add(1, 'key')), settled(async () => (await database()).transaction('all', 'readwrite').objectStore('all').add(() => {}, 1))],
  'IDBObjectStore.put': [stored((store) => store.put({ a: 1 }, 'new'))],
  'IDBCursor.update': [stored((store) => new Promise((resolve) => { store.openCursor().onsuccess = ({ target }) => resolve(target.result.update('newer')); }))],
  'window.event': [() => String(window.event), () => { let seen; const node = make('p'); node.addEventListener('a', (event) => { seen = window.event === event; }); node.dispatchEvent(new Event('a')); return seen; }],
  'window.open': [() => { const opened = window.open('about:blank', '_blank', 'popup'); const told = [kindOf(opened), opened?.closed, opened?.opener === window]; opened?.close(); return told; }, failing(() => window.open('https://[')), () => window.open('about:blank', '_self_') === null],
  'DataTransferItem.webkitGetAsEntry': [() => kindOf(transfer().items[0].webkitGetAsEntry())],
  'DataTransferItem.getAsFileSystemHandle': [settled(() => transfer().items[0].getAsFileSystemHandle())],
  'FileSystemFileEntry.file': [failing(() => FileSystemFileEntry.prototype.file.call({}))],
};

/** Each call's results, and what tells of the function itself. */
async function trace() {
  const told = {};
  for (const [name, calls] of Object.entries(CALLS)) {
    const [owner, member] = name.split('.');
    const holder = owner === 'window' ? window : window[owner]?.prototype;
    const descriptor = holder && Object.getOwnPropertyDescriptor(holder, member);
    if (!descriptor) continue;
    const traits = ['value', 'get', 'set'].map((part) => descriptor[part]).filter((part) => typeof part === 'function').map((part) => [part.name, part.length]);
    const results = [];
    for (const call of calls) results.push(await call());
    told[name] = JSON.stringify([traits, descriptor.enumerable, descriptor.configurable, descriptor.writable ?? null, results]);
  }
  return told;
}
