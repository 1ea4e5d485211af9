/** The object that the scripts of page/ share until the last of them runs. */
interface Cloakroom {
  /** Keep built-ins as they are now. The browser checks their arguments. */
  method(owner: any, name: string): (self: unknown, ...values: any[]) => any;
  getter(owner: any, name: string): (self: unknown) => any;
  /** The result of a native getter for a node; null if it throws, as for a node of another kind. */
  tryRead(read: (node: any) => any, node: unknown): any;
  setter(owner: any, name: string): (self: unknown, value: unknown) => void;
  /** Replaces a built-in, unless the owner itself lacks it or one of the built-ins that are needed is missing. */
  replace(owner: any, name: string, make: (native: any) => any, ...needed: unknown[]): void;
  /** The replacements of built-ins; an empty owner is the window itself. */
  replaced: { owner: string; name: string; descriptor: PropertyDescriptor }[];
  realm(view: Window & typeof globalThis): Realm;
  realms: WeakMap<Window, Realm>;
  /** The realm in which a node's events and files have to be made. */
  realmOf(node: unknown): Realm;
  /** The window that a node or a document is shown in. */
  viewOf(node: unknown): (Window & typeof globalThis) | null;
  approved: WeakSet<object>;
  has(set: WeakSet<object>, value: unknown): boolean;
  add(set: WeakSet<object>, value: unknown): void;
  addEventListener(target: EventTarget, name: string, listener: (event: any) => void, capture: boolean): void;
  preventDefault(event: Event): void;
  hold(files: FileList, settle: (files: File[] | null) => void, where?: Realm): number;
  abandon(id: number): void;
  isFileInput(node: unknown): node is HTMLInputElement;
  isApproved(list: FileList): boolean;
  approveList(list: FileList): void;
  approveFile(file: File): File;
  /** The cloaked file of an original; several reads are one job. */
  cloaked(file: File): Promise<File>;
  cloakedFiles: WeakMap<object, Promise<File>>;
  count(list: FileList): number;
  transfer(files: File[], where?: Realm): DataTransfer;
  path(event: Event): EventTarget[];
  target(event: Event): any;
  stop(event: Event): void;
  dispatch(node: EventTarget | null, event: Event): boolean;
  define(object: object, name: string, value: unknown): void;
  push<T>(list: T[], value: T): void;
  /** Calls the listener with each file input that the content script shows, as the submitter of an event. */
  whenShown(listener: (event: SubmitEvent) => void): void;
  /** From now on the page's scripts may run. */
  seal(): void;
  /** Calls the listener when the extension is gone from under this page. */
  whenOrphaned(listener: () => void): void;
  /** Has the content script of another window show file inputs too. */
  hear(from: MessagePort): void;
  /** Dispatches an event to the content script of this window, or of another, which hears it synchronously. */
  tellContent(event: Event, to?: MessagePort): void;
  inputs: {
    check(input: HTMLInputElement): boolean;
    isClean(input: HTMLInputElement): boolean;
    assign(input: HTMLInputElement, files: File[]): void;
    guard(node: EventTarget): void;
    listen(node: EventTarget): void;
    isHeld(input: HTMLInputElement): boolean;
    whenSettled(listener: (input: HTMLInputElement, files: File[] | null) => void): void;
  };
  /** Text fields into which a photo is pasted or dropped, and which must not be sent before it has arrived. */
  composers: {
    listen(node: EventTarget): void;
    /** Tells that a photo for a node is held; the function returned is called once it has arrived, or was cancelled. */
    begin(node: unknown): (hasArrived: boolean) => void;
    /** Whether a photo for something in this form is still held. */
    isPending(form: HTMLFormElement): boolean;
    whenSettled(listener: (form: HTMLFormElement | null, hasArrived: boolean) => void): void;
  };
  /** The browser's default action of a paste. */
  insertion: {
    isEditable(node: unknown): boolean;
    /** The whole editor around a node; the node itself if it is in none. */
    editorOf(node: any): any;
    /** The place of the caret. */
    caret(node: unknown): Range | null;
    /** The data URL of a picture; null if it cannot be read. */
    addressOf(file: File, done: (address: string | null) => void): void;
    insert(node: any, place: Range | null, data: DataTransfer, content: { html: string; text: string; address: string | null }): void;
  };
  forms: { listen(node: EventTarget): void };
  /** Links that run a script in another window. */
  links: { listen(node: EventTarget): void };
  roots: { of(host: unknown): ShadowRoot | undefined };
  droppedItems: {
    /** The data that the browser gives only while the event lasts. */
    take(data: DataTransfer): DroppedItem[];
    isFolder(item: DroppedItem): boolean;
    /** The file that stands for an item in the repeated event; `file` is null for a directory. */
    give(item: DroppedItem, file: File | null): File;
  };
  /** Whether the page may have handles of the person's files. */
  handles: { markKnown(): void; areKnown(): boolean; addWindow(view: Window): void; listen(view: EventTarget): void };
  drops: {
    listen(view: Window): void;
    /** Whether something of this page was dropped just now. */
    isOwnDrop(): boolean;
    /** All items, in order. */
    itemsOf(data: DataTransfer): TransferItem[];
    /** A copy with other files in place of the files. */
    withFiles(items: TransferItem[], files: File[], where: Realm): DataTransfer;
    targetNow(node: EventTarget | null, outwards: EventTarget[]): EventTarget | null;
  };
  pastes: { listen(view: Window): void };
  windows: { isBare(view: Window): boolean; checkFrames(view: Window | null): void; listen(): void };
  /** Frames that begin blank because other nodes are inserted with them. */
  insertedFrames: { isQuiet(frame: Element): boolean };
}

/** The constructors of a window, and how files become its own. */
interface Realm {
  Event: typeof Event;
  DragEvent: typeof DragEvent;
  ClipboardEvent: typeof ClipboardEvent;
  InputEvent: typeof InputEvent;
  KeyboardEvent: typeof KeyboardEvent;
  StaticRange: typeof StaticRange;
  DataTransfer: typeof DataTransfer;
  take(files: File[]): File[];
}

/** A text, or a file if `text` is null. */
interface TransferItem {
  type: string;
  text: string | null;
}

interface DroppedItem {
  file: File;
  entry: any;
  handle: Promise<any> | null;
}

interface Window {
  cloakroom: Cloakroom;
  FileSystemHandle: any;
  FileSystemDirectoryHandle: any;
  FileSystemFileHandle: any;
  FileSystemFileEntry: any;
  FileSystemEntry: any;
  FileSystem: any;
  StorageManager: unknown;
  Sanitizer: unknown;
  HTMLFrameElement: unknown;
  Scheduler: unknown;
  scheduler: unknown;
  CustomElementRegistry: unknown;
  HTMLOptionsCollection: unknown;
  SVGAElement: unknown;
  SVGAnimatedString: unknown;
  trustedTypes: any;
  TrustedTypePolicyFactory: unknown;
  TrustedHTML: unknown;
  Clipboard: unknown;
  LaunchQueue: unknown;
  ClipboardItem: unknown;
}
