const names = (text) => Object.fromEntries(text.split(' ').map((name) => [name, 'readonly']));
const BROWSER = names('Blob CharacterData CustomEvent DOMException Document DocumentFragment DocumentType DragEvent Element Event EventTarget FormDataEvent HTMLCollection HTMLAnchorElement HTMLAreaElement HTMLElement HTMLFormElement HTMLHtmlElement'
  + ' HTMLInputElement HTMLButtonElement InputEvent HTMLDetailsElement HTMLFieldSetElement HTMLIFrameElement HTMLObjectElement HTMLSelectElement HTMLTableElement HTMLTableSectionElement MessageChannel MessageEvent MessagePort MouseEvent MutationObserver Node NodeList Range ShadowRoot SubmitEvent ClipboardEvent DataTransfer'
  + ' CSSStyleDeclaration DOMImplementation FocusEvent HTMLImageElement HTMLTextAreaElement KeyboardEvent Selection DataTransferItem DataTransferItemList File FileList FileReader FormData AbortController AbortSignal TextDecoder TextEncoder URL URLSearchParams WebSocket OffscreenCanvas atob btoa chrome clearInterval clearTimeout createImageBitmap crypto'
  + ' document fetch location navigator setInterval setTimeout window');

const rules = {
  'array-callback-return': 'error', 'consistent-return': 'error', 'curly': ['error', 'multi-line'], 'eqeqeq': 'error', 'no-alert': 'error',
  'no-await-in-loop': 'off', 'no-console': 'error', 'no-constant-condition': 'error', 'no-debugger': 'error', 'no-dupe-keys': 'error',
  'no-eval': 'error', 'no-fallthrough': 'error', 'no-implicit-globals': 'error', 'no-implied-eval': 'error', 'no-param-reassign': 'error',
  'no-promise-executor-return': 'error', 'no-redeclare': 'error', 'no-self-compare': 'error', 'no-shadow': 'error', 'no-throw-literal': 'error',
  'no-undef': 'error', 'no-unreachable': 'error', 'no-unused-expressions': 'error', 'no-unused-vars': 'error', 'no-use-before-define': ['error', { functions: false, variables: false, classes: false }],
  'no-useless-return': 'error', 'no-var': 'error', 'object-shorthand': 'error', 'prefer-const': 'error', 'require-await': 'error', 'semi': 'error', 'strict': ['error', 'never'], 'yoda': 'error',
};

export default [
  { ignores: ['**/node_modules/', '.venv/'] },
  { files: ['extension/**/*.js'], languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: BROWSER }, linterOptions: { reportUnusedDisableDirectives: 'error' }, rules },
  { files: ['daemon/dashboard/*.js'], languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: { ...BROWSER, ...names('history sessionStorage') } }, linterOptions: { reportUnusedDisableDirectives: 'error' }, rules },
  { files: ['extension/{page,content}/*.js'], languageOptions: { sourceType: 'script' } },
  // A page may have broken what arrays are iterated with by the time that a function of ours runs; bridge.js says the rule.
  { files: ['extension/page/*.js'], rules: { 'no-restricted-syntax': ['error', ...['ForOfStatement', 'ArrayExpression > SpreadElement', 'CallExpression > SpreadElement', 'NewExpression > SpreadElement', 'ArrayPattern'].map((kind) => ({ selector: `:function :function ${kind}`, message: 'The page may have replaced the iterator.' }))] } },
  { files: ['tests/extension/*.js'], languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: names('Blob Buffer Event EventTarget MessageEvent TextEncoder URL process queueMicrotask WebSocket crypto globalThis setTimeout structuredClone') }, rules },
];
