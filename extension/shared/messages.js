// @ts-check
/**
 * Types of the messages between the parts of the extension.
 *
 * Page to content script, over a MessagePort: Held. Without files, the page gave the hold up; `missing` names built-ins that
 * were not where they were expected. Content script to page: that it received a hold, and how the hold ended: null for files
 * means cancelled, `isOrphaned` that the page's extension is gone.
 *
 * @typedef {{ id: number, files: FileList | File[] | null, missing: string[] }} Held
 * @typedef {{ type: 'heard', id: number } | { type: 'settled', id: number, files: File[] | null, isOrphaned: boolean }} ToPage
 *
 * A file of an upload, between content script and background.
 * @typedef {{ name: string, type: string, size: number, blob: Blob }} Parcel
 *
 * Content script to background, over the port "uploads". `around`: the origins around a frame that has none.
 * @typedef {{ type: 'probe', blob: Blob }
 *   | { type: 'hold', hold: string, jobs: string[], parcels: Parcel[], again: boolean, missing: string[], around: string[] }
 *   | { type: 'abandon', hold: string }
 *   | { type: 'alive' }} FromContent
 *
 * Background to content script. A null parcel lets the file go as it is.
 * @typedef {{ type: 'probe', intact: boolean, blob: Blob }
 *   | { type: 'release', hold: string, parcels: (Parcel | null)[] }
 *   | { type: 'refuse', hold: string }
 *   | { type: 'status', hold: string, state: Status, share: number }} ToContent  share: how much is done, from 0 to 1
 *
 * How an upload ended, and what the page's small status shows of it.
 * @typedef {'cloaked' | 'weak' | 'original' | 'cancelled' | 'blocked'} Outcome
 * @typedef {{ host: string, isStopped: boolean }} Leak  an original that a page sent past the hold
 * @typedef {'working' | 'waiting' | 'ended' | 'outdated' | Outcome} Status
 * @typedef {{ show: (state: Status, share: number) => void, hide: () => void }} PageStatus
 *
 * Background to the hold window, over the port "holds", and back. `remembers`: the choices that a site's rule can remember;
 * `preview`: a data URL; null if the file cannot be shown.
 * @typedef {'cloak' | 'retry' | 'attempt' | 'original' | 'cancel'} Choice
 * @typedef {{ choice: Choice, remember: boolean }} Answer
 * @typedef {{ id: string, host: string, files: { name: string, size: number, preview: string | null }[], code: string, detail: string,
 *   choices: Choice[], remembers: Choice[] }} Waiting
 * @typedef {{ type: 'holds', holds: Waiting[] }} ToHoldWindow
 * @typedef {{ type: 'choose', hold: string } & Answer | { type: 'closing' }} FromHoldWindow
 *
 * Extension pages to background, by runtime.sendMessage.
 * @typedef {{ type: 'state' }
 *   | { type: 'pair', port: number, code: string }
 *   | { type: 'set-site', host: string, rule: Partial<import('../policy/rule.js').Rule> | null }
 *   | { type: 'set-default', rule: Partial<import('../policy/rule.js').Rule> }
 *   | { type: 'set-once', tab: number, host: string, rule: Partial<import('../policy/rule.js').Rule> | null }
 *   | { type: 'import', text: string }
 *   | { type: 'set-sync', on: boolean }
 *   | { type: 'set-history', on: boolean }
 *   | { type: 'erase-history' }
 *   | { type: 'forget-leaks' }
 *   | { type: 'test-photo', photo: string }
 *   | { type: 'show-holds' }} FromPage  photo: the address of one of the extension's own
 * @typedef {{ ok: boolean, error?: string }} DoneAnswer
 * @typedef {{ state: StateAnswer, pair: PairAnswer, 'test-photo': TestAnswer }} Answers  to all other types: DoneAnswer
 * @typedef {{ [Type in FromPage['type']]: (message: Extract<FromPage, { type: Type }>) => Promise<Type extends keyof Answers ? Answers[Type] : void> }}
 *   PageHandlers  the background's, one for each type
 *
 * The state of things, as the extension's pages show it.
 * @typedef {'unpaired' | 'unreachable' | 'foreign' | 'refused' | 'impostor' | 'ready'} Connectivity
 * @typedef {{ host: string, when: number, photos: number, outcome: Outcome, seconds: number, psnr: number | null,
 *   codes: string[], reports: import('../background/connection.js').Report[] }} LastResult  codes: why photos were not cloaked;
 *   reports: the daemon's, one a photo
 * @typedef {{ host: string, before: string, after: string, report: import('../background/connection.js').Report }} Picture  data URLs
 * @typedef {{ on: boolean, entries: { when: number, host: string, photos: number, outcome: Outcome | 'stopped' | 'leaked', seconds: number }[] }} History
 * @typedef {{ code: string | null, detail: string, picture: Picture | null }} TestAnswer  code: why the photo was not cloaked; null if it was
 * @typedef {{ connection: Connectivity, port: number, worker: string | null, queued: number, device: string, models: string,
 *   version: string, protectors: string[], classes: string[], waiting: number, missing: string[], unreadable: string | null,
 *   last: LastResult | null, pictures: Picture[], notFound: string[], leaks: Leak[] }} StateAnswer  missing: sites that are on and lack the browser's permission;
 *   unreadable: what is wrong with the stored rules; notFound: built-ins that a page lacked
 * @typedef {{ ok: boolean, reason: Connectivity | null }} PairAnswer
 */
export {};
