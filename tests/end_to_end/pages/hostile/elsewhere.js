// The same host, and another origin: a frame there makes blank frames and windows of its own.
const frame = document.createElement('iframe');
frame.src = `/elsewhere/port${location.search}&page=hostile/pick/inside.${location.pathname.split('.')[1]}`;
frame.style = 'position:fixed;left:0;top:0;width:200px;height:170px;border:0;background:#fff';
document.body.append(frame);
frame.onload = () => setTimeout(() => say('ready'), 500);
