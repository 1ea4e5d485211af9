// @ts-check
/** The form for pairing with a daemon, on the options page and the onboarding page. */
import { find, say, words } from './dom.js';
import { daemonMood, daemonWords } from './report_words.js';
import { ask } from './requests.js';

/** @param {(state: import('./messages.js').StateAnswer) => void} onState called with the daemon's state, now and after each try */
export async function showPairing(onState) {
  const code = find('code', HTMLInputElement);
  const port = find('port', HTMLInputElement);
  find('pair-how', HTMLElement).textContent = words('pair_how', 'cloakroom pair');

  const look = async () => {
    /** @type {import('./messages.js').StateAnswer} */
    const state = await ask({ type: 'state' });
    find('daemon', HTMLElement).textContent = daemonWords(state);
    find('mood', HTMLElement).className = `mood ${daemonMood(state)}`;
    if (!port.value) port.value = String(state.port);
    onState(state);
  };

  find('pair', HTMLFormElement).addEventListener('submit', async (event) => {
    event.preventDefault();
    /** @type {import('./messages.js').PairAnswer | null} */
    const answer = await ask({ type: 'pair', port: Number(port.value), code: code.value });
    code.value = '';
    if (answer?.ok) say('pair-answer', words('pair_done'), 'good');
    else say('pair-answer', words(`pair_${answer?.reason ?? 'unreachable'}`), 'bad');
    await look();
  });
  await look();
}
