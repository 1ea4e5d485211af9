// @ts-check
/**
 * Windows that the page opens. The page has a window that is opened at an address before our scripts run in it; in a blank one they
 * run at once. So each window begins blank, and then goes to its address.
 */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, replace, windows, handles } = window.cloakroom;

  const { apply, construct } = Reflect;
  const lower = method(String, 'toLowerCase');
  const includes = method(String, 'includes');
  const baseOf = getter(Node, 'baseURI');
  const NativeURL = URL;
  const nativeOpen = window.open;
  const close = (/** @type {Window} */ view) => apply(nativeClose, view, []);
  const nativeClose = window.close;
  const HERE = { __proto__: null, _self: true, _parent: true, _top: true };

  /** @type {(opener: unknown, values: unknown[]) => Window | null} */
  const open = (opener, values) => {
    const openAt = (/** @type {unknown} */ address) => {
      const opened = apply(nativeOpen, opener, [address, name, features]);
      // A link may have opened it before, and its document is still on its way.
      if (!opened || windows.isBare(opened)) return null;
      handles.addWindow(opened);
      return opened;
    };
    const given = values[0] === undefined ? '' : `${values[0]}`;
    const name = values[1] === undefined ? '_blank' : lower(`${values[1]}`) in HERE ? lower(`${values[1]}`) : `${values[1]}`;
    const features = values[2] === undefined || values[2] === null ? '' : `${values[2]}`;
    let address = '';
    try {
      if (given) address = construct(NativeURL, [given, baseOf(document)]).href;
    } catch {
      return openAt(given);
    }
    // The page cannot reach a window without an opener.
    const isApart = includes(lower(features), 'noopener') || includes(lower(features), 'noreferrer');
    if (!address || isApart || name in HERE) return openAt(address);
    const opened = openAt('');
    if (!opened) return null;
    try {
      if (name === '_blank' || name === '') opened.location.replace(address);
      else openAt(address);
    } catch (error) {
      // The page may not go there.
      close(opened);
      throw error;
    }
    return opened;
  };

  replace({ prototype: window }, 'open', () => ({
    open(/** @type {unknown[]} */ ...values) {
      return open(this ?? window, values);
    },
  }).open);
  replace(Document, 'open', (native) => ({
    open(/** @type {unknown[]} */ ...values) {
      return values.length > 2 ? open(window, values) : apply(native, this, values);
    },
  }).open);
})();
