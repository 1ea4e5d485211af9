// @ts-check
/**
 * What the parts of the extension say to each other. Types only.
 *
 * Page to content script, over a MessagePort: Held, or a Settled with null when the page gave a hold up.
 * Content script to page: Settled.
 *
 * @typedef {{ id: number, files: FileList | File[] | null }} Held
 * @typedef {{ id: number, files: File[] | null }} Settled  null: cancelled
 *
 * A photo as it travels between content script and background: as it is, or as base64 where the browser's extension
 * messages cannot carry a Blob. There `text` holds but the head of a file that is too large, and is null of one that cannot
 * be read.
 * @typedef {{ name: string, type: string, size: number, blob: Blob | null, text: string | null }} Parcel
 *
 * Content script to background, over the port "uploads".
 * @typedef {{ type: 'probe', blob: Blob }
 *   | { type: 'hold', hold: string, jobs: string[], parcels: Parcel[], again: boolean }
 *   | { type: 'abandon', hold: string }
 *   | { type: 'alive' }} FromContent
 *
 * Background to content script. A null parcel: the file may go as it is.
 * @typedef {{ type: 'probe', intact: boolean, blob: Blob }
 *   | { type: 'release', hold: string, parcels: (Parcel | null)[] }
 *   | { type: 'refuse', hold: string }} ToContent
 *
 * Background to the hold window, over the port "holds", and back.
 * @typedef {'retry' | 'attempt' | 'original' | 'cancel'} Choice
 * @typedef {{ id: string, host: string, files: { name: string, size: number }[], code: string, detail: string, choices: Choice[] }} Waiting
 * @typedef {{ type: 'holds', holds: Waiting[] }} ToHoldWindow
 * @typedef {{ type: 'choose', hold: string, choice: Choice } | { type: 'closing' }} FromHoldWindow
 *
 * Extension pages to background, by runtime.sendMessage.
 * @typedef {{ type: 'state' }
 *   | { type: 'pair', port: number, code: string }
 *   | { type: 'set-site', host: string, rule: Partial<import('../policy.js').Rule> | null }
 *   | { type: 'show-holds' }} FromPage
 *
 * The daemon as people should hear of it.
 * @typedef {'unpaired' | 'unreachable' | 'refused' | 'impostor' | 'ready'} Connectivity
 * @typedef {{ host: string, when: number, photos: number, outcome: 'cloaked' | 'weak' | 'original' | 'cancelled', seconds: number, psnr: number | null,
 *   reports: import('../background/connection.js').Report[] }} LastResult  reports: the daemon's, one a photo; no pixels
 * @typedef {{ connection: Connectivity, port: number, worker: string | null, queued: number, device: string, models: string,
 *   protectors: string[], classes: string[], waiting: number, last: LastResult | null }} StateAnswer
 * @typedef {{ ok: boolean, reason: Connectivity | null }} PairAnswer
 */
export {};
