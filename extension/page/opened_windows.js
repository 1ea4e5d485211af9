// @ts-check
/**
 * Windows that the page opens. One that is opened at an address is there for the page before any script of ours, while in
 * one that is blank they are at once: so each begins blank, and goes to its address from there.
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
    const asked = (/** @type {unknown} */ address) => {
      const opened = apply(nativeOpen, opener, [address, name, features]);
      // A link of the page's may have opened it before, and nothing has come there yet.
      if (!opened || windows.isBare(opened)) return null;
      handles.opens(opened);
      return opened;
    };
    const given = values[0] === undefined ? '' : `${values[0]}`;
    const name = values[1] === undefined ? '_blank' : lower(`${values[1]}`) in HERE ? lower(`${values[1]}`) : `${values[1]}`;
    const features = values[2] === undefined || values[2] === null ? '' : `${values[2]}`;
    let address = '';
    try {
      if (given) address = construct(NativeURL, [given, baseOf(document)]).href;
    } catch {
      return asked(given);
    }
    // To one without an opener the page has no way.
    const isApart = includes(lower(features), 'noopener') || includes(lower(features), 'noreferrer');
    if (!address || isApart || name in HERE) return asked(address);
    const opened = asked('');
    if (!opened) return null;
    try {
      if (name === '_blank' || name === '') opened.location.replace(address);
      else asked(address);
    } catch (error) {
      // A page may not go there at all.
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
