// @ts-check
/** What a person may hand to whoever mends Cloakroom: how things stand, without a photo, a site, a name or a key. */

/**
 * @param {{ state: import('../shared/messages.js').StateAnswer | null, policy: unknown, version: string, browser: string, when: Date }} known
 *   policy: as it is stored, readable or not
 */
export function problemReport({ state, policy, version, browser, when }) {
  const last = state?.last ?? null;
  const stored = /** @type {{ schema?: unknown, default?: unknown, sites?: object } | null | undefined} */ (policy);
  return {
    about: 'Cloakroom problem report',
    date: when.toISOString(),
    extension: version,
    browser,
    daemon: state && {
      connection: state.connection, version: state.version, worker: state.worker, queued: state.queued, device: state.device,
      models: state.models, protectors: state.protectors.map((name) => (name.startsWith('visual-') ? 'visual-imported' : name)),
    },
    rules: {
      schema: stored?.schema ?? null, default: stored?.default ?? null, sites: Object.keys(stored?.sites ?? {}).length,
      without_permission: state?.missing.length ?? null, readable: state ? state.unreadable === null : null,
    },
    waiting: state?.waiting ?? null,
    built_ins_not_found: state?.notFound ?? null,
    last: last && {
      outcome: last.outcome, photos: last.photos, seconds: last.seconds, codes: last.codes,
      reports: last.reports.map((report) => Object.fromEntries(MEASURES.map((name) => [name, report[name] ?? null]))),
    },
  };
}

/** What a report says of the work; what models read in the photo is the photo's. */
const MEASURES = ['protected', 'psnr', 'ssim', 'fsim', 'seconds', 'device', 'models', 'width', 'height', 'mime', 'bytes_in', 'bytes_out'];
