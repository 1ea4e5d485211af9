// @ts-check
/** The section of the rules as a whole: export and import, sharing with other browsers, and whether an organisation fixed some. */
import { exportPolicy } from '../policy/policy.js';
import { find, say, words } from '../shared/dom.js';
import { save } from '../shared/download.js';
import { change } from '../shared/requests.js';
import { loadRules } from '../shared/stored_rules.js';
import { showSites } from './sites_table.js';

const sync = find('sync', HTMLInputElement);
const file = find('import-file', HTMLInputElement);

async function show() {
  const { sync: name } = await chrome.storage.local.get('sync');
  sync.checked = typeof name === 'string';
  const rules = await loadRules().catch(() => null);
  find('managed', HTMLElement).hidden = !rules || Object.keys({ ...rules.managed.default, ...rules.managed.sites }).length === 0;
}

/** @type {(error: string | null, done: string) => void} */
function answer(error, done) {
  if (error) say('rules-answer', words('rules_wrong', error), 'bad');
  else say('rules-answer', done, 'good');
}

export function watchRules() {
  sync.addEventListener('change', async () => {
    const error = await change({ type: 'set-sync', on: sync.checked });
    answer(error, words(sync.checked ? 'sync_on' : 'sync_off'));
    await show();
    await showSites();
  });
  find('export', HTMLButtonElement).addEventListener('click', async () => {
    try {
      save('cloakroom-rules.json', exportPolicy((await loadRules()).policy));
    } catch (error) {
      answer(error instanceof Error ? error.message : String(error), '');
    }
  });
  find('import', HTMLButtonElement).addEventListener('click', () => { file.click(); });
  file.addEventListener('change', async () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    const error = await change({ type: 'import', text: await chosen.text() });
    file.value = '';
    answer(error, words('rules_imported'));
    await showSites();
  });
  void show();
}
