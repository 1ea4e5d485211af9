// What a person shares with an installed site is a form that its service worker takes.
const sharing = photo.form;
sharing.method = 'post';
sharing.enctype = 'multipart/form-data';
sharing.action = `/shared?run=${run}`;
sharing.target = 'sink';
const sink = document.createElement('iframe');
sink.name = 'sink';
sink.onload = () => settle(sink.contentWindow.location.pathname === '/shared');
document.body.append(sink);
served().then(() => say('ready'));
for (const name of ['input', 'change']) photo.addEventListener(name, () => { if (photo.files.length) sharing.requestSubmit(); });
