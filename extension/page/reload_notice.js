// @ts-check
/** Tells the person to reload a tab that is older than the extension's last update: no other part of the extension can. */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, setter, whenOrphaned } = window.cloakroom;

  const WORDS = {
    __proto__: null,
    en: 'Cloakroom was updated or switched off. Reload this tab, then upload again: nothing was sent.',
    de: 'Cloakroom wurde aktualisiert oder abgeschaltet. Laden Sie diesen Tab neu und laden Sie dann noch einmal hoch: Es wurde nichts gesendet.',
    fr: 'Cloakroom a été mis à jour ou désactivé. Rechargez cet onglet, puis envoyez de nouveau : rien n’a été envoyé.',
    ar: 'تم تحديث Cloakroom أو إيقافه. أعد تحميل علامة التبويب هذه ثم ارفع الصورة من جديد: لم يُرسل شيء.',
  };
  const LOOK = 'all:initial;position:fixed;inset-block-end:16px;inset-inline-end:16px;z-index:2147483647;pointer-events:none;max-inline-size:320px;'
    + 'padding:10px 14px;border-radius:10px;background:#17181b;color:#ececee;font:14px/1.4 system-ui,sans-serif;box-shadow:0 2px 12px #0006';
  const create = method(Document, 'createElement');
  const styleOf = getter(HTMLElement, 'style');
  const setCss = setter(CSSStyleDeclaration, 'cssText');
  const setText = setter(Node, 'textContent');
  const setAttribute = method(Element, 'setAttribute');
  const append = method(Node, 'appendChild');
  const rootOf = getter(Document, 'documentElement');
  const slice = method(String, 'slice');
  const { language } = navigator;
  let isShown = false;

  whenOrphaned(() => {
    if (isShown) return;
    isShown = true;
    const line = create(document, 'div');
    setCss(styleOf(line), LOOK);
    setAttribute(line, 'role', 'status');
    const name = slice(language, 0, 2);
    setText(line, name in WORDS ? /** @type {any} */ (WORDS)[name] : WORDS.en);
    append(rootOf(document), line);
  });
})();
