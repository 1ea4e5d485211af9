// @ts-check
/** One upload: all the files that a person picked, dropped or pasted at once. In any doubt they stay held. */
import { channelFor } from '../policy/hosts.js';
import { fixedFor, ruleFor } from '../policy/policy.js';
import { answered, remembered } from '../policy/remembered_answers.js';
import { stricter } from '../policy/stricter.js';
import { loadRules } from '../shared/stored_rules.js';
import { JobError } from './connection.js';
import { claimOnce } from './once_rules.js';
import { examine, toParcel } from './photo.js';
import { previewOf } from './preview.js';
import { shareOf } from './progress.js';
import { randomHex } from './protocol.js';
import { saveLast, savePictures } from './recent_uploads.js';
import { saveRule } from './settings.js';

/** How many photos of an upload the hold window shows; of the others it shows the names. */
const PREVIEWS = 12;

/**
 * @typedef {import('../shared/messages.js').Choice} Choice
 * @typedef {import('../shared/messages.js').Outcome} Outcome
 * @typedef {import('../policy/rule.js').Rule} Rule
 * @typedef {import('./photo.js').Photo} Photo
 * @typedef {(import('../shared/messages.js').Parcel | null)[]} Parcels
 * @typedef {{ connection: import('./connection.js').Connection, window: import('./hold_window.js').HoldWindow,
 *   sites: Promise<import('../policy/hosts.js').SiteTable>, deliveries: import('./deliveries.js').Deliveries,
 *   originals: import('./originals.js').Originals }} Tools
 * @typedef {(state: import('../shared/messages.js').Status, share: number) => void} Show
 */

export class Upload {
  #message;
  #host;
  #isBorrowed;
  #others;
  #tab;
  #tools;
  #show;
  #isAbandoned = false;
  /** @type {Partial<Rule> | null} */
  #once = null;
  /** @type {Photo[]} */
  #photos = [];
  #begun = Date.now();
  /** How it ended; null before that, and where there was nothing to do. @type {Outcome | null} */
  outcome = null;

  /**
   * @param {Extract<import('../shared/messages.js').FromContent, { type: 'hold' }>} message
   * @param {import('./origin.js').Origin | null} origin
   * @param {number | undefined} tab
   * @param {Tools} tools
   * @param {Show} show called with the state and the progress
   */
  constructor(message, origin, tab, tools, show) {
    this.#message = message;
    this.#host = origin?.host ?? null;
    this.#isBorrowed = origin?.isBorrowed ?? false;
    this.#others = origin?.others ?? [];
    this.#tab = tab;
    this.#tools = tools;
    this.#show = show;
  }

  /** Whether it took the rule that holds this time only. */
  get hasOnce() {
    return this.#once !== null;
  }

  /** Ends the upload, whose page is gone or gave it up. */
  abandon() {
    this.#isAbandoned = true;
    for (const { job, cloaked } of this.#photos) if (!cloaked) this.#tools.connection.cancel(job);
    this.#tools.window.withdraw(this.#message.hold);
  }

  /** Decides, cloaks and asks. @returns {Promise<Parcels | null>} what may go; null for nothing */
  async settle() {
    const parcels = await this.#settle();
    this.#tools.originals.settle(this.#message.hold, parcels?.map((parcel) => parcel?.size ?? null) ?? null);
    return parcels;
  }

  /** Makes the originals known to the last line of defence. @param {Photo[]} files */
  async #remember(files) {
    const { deliveries, originals } = this.#tools;
    const told = await Promise.all(files.map(async ({ parcel, blob, mime }) => (
      { parcel, isPhoto: mime !== null && !await deliveries.hasAnywhere(blob).catch(() => false) }
    )));
    void originals.remember(this.#message.hold, told);
  }

  /** @returns {Promise<Parcels | null>} */
  async #settle() {
    const { jobs, parcels, again } = this.#message;
    if (jobs.length !== parcels.length) return null;
    const files = await Promise.all(parcels.map((parcel, index) => examine(parcel, String(jobs[index]))));
    this.#photos = files.filter(({ mime }) => mime !== null);
    if (this.#photos.length === 0) return parcels.map(() => null);
    await this.#remember(files);
    if (this.#host === null) return null;
    this.#once = await claimOnce(this.#tab, this.#host, this.#message.hold);
    let resumed = again;
    let isConfirmed = false;
    while (!this.#isAbandoned) {
      const rule = await this.#rule();
      if (rule.mode === 'off') {
        const asTheyAre = parcels.map(() => null);
        if (this.#once) return this.#end('original', asTheyAre);
        // Switched off after the page was loaded. That says nothing about a frame with a borrowed host.
        if (!this.#isBorrowed && await this.#isNamed()) return asTheyAre;
        // Our scripts run in this host although it has no rule, so the person is asked.
        if (!this.#isBorrowed) {
          const choice = await this.#ask('no-rule', '', this.#photos, ['original', 'cancel']);
          return choice === 'original' ? this.#end('original', asTheyAre) : this.#end('cancelled', null);
        }
      }
      if (rule.mode === 'block') return this.#end('blocked', null);
      if (rule.mode === 'ask' && !isConfirmed) {
        const choice = await this.#ask('ask', '', this.#photos, ['cloak', 'original', 'cancel']);
        if (choice === 'original') return this.#end('original', parcels.map(() => null));
        if (choice !== 'cloak') return this.#end('cancelled', null);
        isConfirmed = true;
      }
      await this.#cloak(rule, resumed);
      resumed = false;
      const unsettled = this.#photos.filter((photo) => !isSettled(photo));
      if (unsettled.length === 0) return this.#end('cloaked', files.map(toParcel));
      if (this.#isAbandoned) return null;
      const choice = await this.#decide(rule, unsettled);
      if (choice === 'cancel') return this.#end('cancelled', null);
      if (choice !== 'retry') {
        return this.#end(choice === 'attempt' ? 'weak' : 'original', files.map((photo) => (
          choice === 'original' && unsettled.includes(photo) ? null : toParcel(photo)
        )));
      }
      for (const photo of unsettled) {
        // The daemon knows the finished attempt by its id; a new attempt needs a new one.
        photo.job = randomHex(16);
        photo.cloaked = null;
        photo.failure = null;
        photo.share = 0;
      }
    }
    return null;
  }

  /** @returns {Promise<Rule>} */
  async #rule() {
    const { policy, managed } = await loadRules();
    const rules = [String(this.#host), ...this.#others].map((host, index) => ruleFor(policy, host, { managed, once: index ? null : this.#once }));
    return rules.reduce(stricter);
  }

  /** Whether a person or an organisation switched this very host off. */
  async #isNamed() {
    const { policy, managed } = await loadRules();
    const host = String(this.#host);
    return [policy.sites, managed.sites].some((sites) => Object.hasOwn(sites, host) && sites[host]?.mode === 'off');
  }

  /** @type {(rule: Rule, again: boolean) => Promise<void>} */
  async #cloak({ protectors, strength, sensitive, channel: chosen }, again) {
    const { connection, deliveries, sites } = this.#tools;
    const channel = chosen ?? channelFor(await sites, String(this.#host));
    const scope = JSON.stringify([this.#host, protectors, strength, sensitive]);
    this.#showProgress();
    await Promise.all(this.#photos.filter((photo) => !photo.cloaked).map(async (photo) => {
      const { job, parcel, blob, mime } = photo;
      const request = { job, name: parcel.name.slice(0, 1024), mime: String(mime), size: blob.size, channel, policy: { protectors, strength, sensitive } };
      try {
        if (parcel.size !== blob.size) throw new JobError('too-large');
        // Videos are large, and the daemon would refuse them. It does get all images, and refuses some with a reason.
        if (mime?.startsWith('video/')) throw new JobError('video');
        photo.delivered = await deliveries.has(blob, scope);
        if (photo.delivered) return;
        const bytes = new Uint8Array(await blob.arrayBuffer());
        // The page was left while the photo was read. From here on, `abandon` cancels the job.
        if (this.#isAbandoned) return;
        photo.cloaked = await connection.protect(request, bytes, again, (progress) => {
          photo.share = Math.max(photo.share, shareOf(progress));
          this.#showProgress();
        });
        if (isSettled(photo)) await deliveries.add(photo.cloaked.blob, scope);
      } catch (error) {
        photo.failure = error instanceof JobError ? error : new JobError('internal');
      }
      photo.share = 1;
      this.#showProgress();
    }));
  }

  #showProgress() {
    this.#show('working', this.#photos.reduce((sum, { share }) => sum + share, 0) / this.#photos.length);
  }

  /** Decides about photos that were not cloaked: by the person's remembered answer, or by asking. @type {(rule: Rule, unsettled: Photo[]) => Promise<Choice>} */
  #decide(rule, unsettled) {
    const codes = unsettled.map(({ failure }) => failure?.code ?? 'not-protected');
    const [first] = codes.map((code) => answered(code, rule));
    if (first && codes.every((code) => answered(code, rule) === first)) return Promise.resolve(first);
    const failure = unsettled.find((photo) => photo.failure)?.failure;
    return failure
      ? this.#ask(failure.code, failure.message, unsettled, ['retry', 'original', 'cancel'])
      : this.#ask('not-protected', '', unsettled, ['retry', 'attempt', 'original', 'cancel']);
  }

  /** @type {(code: string, detail: string, photos: Photo[], choices: Choice[]) => Promise<Choice>} */
  async #ask(code, detail, photos, choices) {
    const host = String(this.#host);
    this.#show('waiting', 0);
    const files = await Promise.all(photos.map(async ({ parcel: { name, size }, blob }, index) => (
      { name, size, preview: index < PREVIEWS ? await previewOf(blob) : null }
    )));
    const { managed } = await loadRules();
    const fixed = fixedFor(managed, host);
    const remembers = choices.filter((choice) => {
      const rule = remembered(code, choice);
      return rule && !Object.keys(rule).some((field) => field in fixed);
    });
    // The page may have been left while the previews were drawn.
    if (this.#isAbandoned) return 'cancel';
    const { choice, remember } = await this.#tools.window.ask({ id: this.#message.hold, host, files, code, detail, choices, remembers });
    const rule = remember ? remembered(code, choice) : null;
    if (rule) await saveRule(host, rule);
    return choice;
  }

  /**
   * Records the outcome before the page is told: if the background ended in between, an upload would leave no trace.
   * @type {<T extends Parcels | null>(outcome: Outcome, parcels: T) => Promise<T>}
   */
  async #end(outcome, parcels) {
    this.outcome = outcome;
    const host = String(this.#host);
    const photos = this.#photos.filter(({ delivered }) => !delivered);
    if (photos.length === 0 || this.#isAbandoned) return parcels;
    const done = photos.flatMap(({ cloaked, blob }) => (cloaked ? [{ before: blob, after: cloaked.blob, report: cloaked.report }] : []));
    const psnrs = done.map(({ report: { psnr } }) => psnr).filter((psnr) => typeof psnr === 'number');
    await saveLast({
      host, when: Date.now(), photos: photos.length, outcome, seconds: (Date.now() - this.#begun) / 1000,
      psnr: psnrs.length ? Math.min(...psnrs) : null, codes: photos.flatMap(({ failure }) => (failure ? [failure.code] : [])),
      reports: done.map(({ report }) => report),
    }).catch(() => {});
    if (outcome === 'cloaked' || outcome === 'weak') void savePictures(host, done);
    return parcels;
  }
}

/** Whether a photo may go: its report says that it is protected, or the site was given it before. @param {Photo} photo */
const isSettled = ({ cloaked, delivered }) => delivered || cloaked?.report.protected === true;
