/** The daemon's numbers, asked for every two seconds while somebody looks, drawn without anything from elsewhere. */

const EVERY_MS = 2000;
const UNSEEN_MS = 60000;
const WIDTH = 300;
const HEIGHT = 64;
const SVG = 'http://www.w3.org/2000/svg';

/** @typedef {{ name: string, values: (number | null)[] }} Line */
/** @typedef {{ name: string, title: string, unit: string, lines: Line[] }} Plot */
/** @typedef {{ outcomes: { name: string, count: number }[], rejections: { place: string, reason: string, count: number }[] }} Counts */
/** @typedef {{ problem?: string, seconds: number, plots: Plot[], counts: Counts }} Told */

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} name @param {string} [text] */
const element = (name, text = '') => {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
};

/** @param {number | null | undefined} value @param {string} unit */
const words = (value, unit) => {
  if (value === null || value === undefined) return '–';
  if (unit === 'bytes') return `${(value / 1e6).toFixed(1)} MB`;
  if (unit === 'seconds') return `${value.toFixed(value < 10 ? 2 : 0)} s`;
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
};

/** @param {Line} line */
const known = (line) => /** @type {number[]} */ (line.values.filter((value) => value !== null));

/** @param {Line} line */
const last = (line) => line.values[line.values.length - 1] ?? null;

/** @param {Plot} plot */
const drawn = (plot) => {
  const picture = document.createElementNS(SVG, 'svg');
  picture.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  picture.setAttribute('preserveAspectRatio', 'none');
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', `${plot.title}: ${plot.lines.map((line) => `${line.name} ${words(last(line), plot.unit)}`).join(', ')}`);
  const most = Math.max(...plot.lines.flatMap(known), 0) || 1;
  for (const line of plot.lines) {
    const step = WIDTH / Math.max(line.values.length - 1, 1);
    const points = line.values.flatMap((value, index) => (value === null ? [] : [[index * step, HEIGHT - 2 - (value / most) * (HEIGHT - 4)]]));
    // One reading is a line too: a point would not be seen.
    if (points.length === 1) points.push([WIDTH, /** @type {number} */ (points[0]?.[1])]);
    const polyline = document.createElementNS(SVG, 'polyline');
    polyline.setAttribute('points', points.map((point) => point.map((place) => place.toFixed(1)).join(',')).join(' '));
    picture.append(polyline);
  }
  return picture;
};

/** @param {Plot} plot */
const card = (plot) => {
  const made = element('article');
  made.className = 'plot';
  made.dataset['plot'] = plot.name;
  const list = element('ul');
  for (const line of plot.lines) {
    const entry = element('li', `${line.name} `);
    const value = element('strong', words(last(line), plot.unit));
    value.dataset['line'] = line.name;
    entry.append(value);
    list.append(entry);
  }
  made.append(element('h3', plot.unit === 'bytes' || plot.unit === 'seconds' ? plot.title : `${plot.title} (${plot.unit})`), list, drawn(plot));
  return made;
};

/** @param {string[]} texts */
const row = (texts) => {
  const made = element('tr');
  texts.forEach((text, index) => {
    const cell = element(index ? 'td' : 'th', text);
    if (!index) cell.setAttribute('scope', 'row');
    made.append(cell);
  });
  return made;
};

/** @param {Plot} plot */
const rows = (plot) => plot.lines.map((line) => {
  const values = known(line);
  const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [null, null];
  return row([plot.title, line.name, ...[last(line), least, most].map((value) => words(value, plot.unit))]);
});

/** @param {string} text @param {boolean} bad */
const say = (text, bad) => {
  const state = part('state');
  // Said once, not every two seconds: a screen reader reads out what changes here.
  if (state.textContent !== text) state.textContent = text;
  state.className = bad ? 'bad' : '';
};

/** @param {Told} told */
const show = (told) => {
  if (told.problem) {
    say(told.problem, true);
    return;
  }
  say('The daemon is running.', false);
  part('plots').replaceChildren(...told.plots.map(card));
  part('rows').replaceChildren(...told.plots.flatMap(rows));
  const { outcomes, rejections } = told.counts;
  const counted = [
    ...outcomes.map(({ name, count }) => row(['Photos', name, String(count)])),
    ...rejections.map(({ place, reason, count }) => row(['Refused', `${place}: ${reason}`, String(count)])),
  ];
  part('counts').replaceChildren(...(counted.length ? counted : [row(['Nothing yet', '', ''])]));
};

/** The key of this tab: from the token in the address, or from before a reload. */
const enter = async () => {
  const token = location.hash.slice(1);
  if (!token) return sessionStorage.getItem('key');
  history.replaceState(null, '', '/');
  const answer = await fetch('/session', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) return null;
  const { key } = await answer.json();
  sessionStorage.setItem('key', key);
  return key;
};

/** @param {string} key */
const look = async (key) => {
  try {
    const answer = await fetch('/numbers', { headers: { Authorization: `Bearer ${key}` } });
    if (!answer.ok) return false;
    show(await answer.json());
  } catch {
    say('The dashboard was closed. Run “cloakroom dashboard” again.', true);
  }
  return true;
};

const key = await enter();
let open = key !== null && await look(key);
document.addEventListener('visibilitychange', () => { if (open && key) void look(key); });
while (open && key) {
  await new Promise((done) => { setTimeout(done, document.visibilityState === 'hidden' ? UNSEEN_MS : EVERY_MS); });
  open = await look(key);
}
say('This address was used already, or is too old. Run “cloakroom dashboard” again.', true);

// What makes it a module for the type checker: it imports nothing either.
export {};
