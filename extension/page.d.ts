/** What the scripts of extension/page share until the last of them runs. */
interface Cloakroom {
  /** Takes built-ins as they are now. What they are called with is the browser's to check. */
  method(owner: any, name: string): (self: unknown, ...values: any[]) => any;
  getter(owner: any, name: string): (self: unknown) => any;
  /** What a native getter says of a node; null where the node is not of its kind. */
  asked(read: (node: any) => any, node: unknown): any;
  setter(owner: any, name: string): (self: unknown, value: unknown) => void;
  /** Leaves the page its own where that is not found on the owner itself, or one of the built-ins that it needs is not there. */
  replace(owner: any, name: string, make: (native: any) => any, ...needed: unknown[]): void;
  /** What took the place of built-ins; an empty owner is the window itself. */
  replaced: { owner: string; name: string; descriptor: PropertyDescriptor }[];
  realm(view: Window & typeof globalThis): Realm;
  realms: WeakMap<Window, Realm>;
  /** Where what a node is given has to be made. */
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
  /** The cloaked file of an original, of which several reads are one job. */
  cloaked(file: File): Promise<File>;
  known: WeakMap<object, Promise<File>>;
  count(list: FileList): number;
  transfer(files: File[], where?: Realm): DataTransfer;
  path(event: Event): EventTarget[];
  target(event: Event): any;
  stop(event: Event): void;
  dispatch(node: EventTarget | null, event: Event): boolean;
  define(object: object, name: string, value: unknown): void;
  push<T>(list: T[], value: T): void;
  /** Hears of each file input that the content script shows, as the submitter of the event. */
  whenShown(listener: (event: SubmitEvent) => void): void;
  /** The page's own scripts may run from now on. */
  seal(): void;
  /** Hears that the extension is gone from under this page. */
  whenOrphaned(listener: () => void): void;
  /** Hears of them from the content script of another window too. */
  hear(from: MessagePort): void;
  /** Asks the content script of this window, or of another, which hears it at once. */
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
  /** Text fields into which a photo is pasted or dropped, and which must not be sent before it is there. */
  composers: {
    listen(node: EventTarget): void;
    /** A photo for a node is held from now on; what is returned is called once it has arrived, or not. */
    begin(node: unknown): (hasArrived: boolean) => void;
    /** Whether a photo for something in this form is still held. */
    isPending(form: HTMLFormElement): boolean;
    whenSettled(listener: (form: HTMLFormElement | null, hasArrived: boolean) => void): void;
  };
  /** What the browser does with a paste that the page leaves to it. */
  insertion: {
    isEditable(node: unknown): boolean;
    /** The whole editor that a node lies in; the node itself where it is in none. */
    editorOf(node: any): any;
    /** Where the caret is. */
    caret(node: unknown): Range | null;
    /** The address by which a picture is put into a page; null of one that cannot be read. */
    addressOf(file: File, done: (address: string | null) => void): void;
    insert(node: any, place: Range | null, data: DataTransfer, content: { html: string; text: string; address: string | null }): void;
  };
  forms: { listen(node: EventTarget): void };
  /** Links that run a script in another window. */
  links: { listen(node: EventTarget): void };
  roots: { of(host: unknown): ShadowRoot | undefined };
  items: {
    /** What the browser gives of a drop while its event lasts. */
    take(data: DataTransfer): DroppedItem[];
    isFolder(item: DroppedItem): boolean;
    /** The file that stands for an item in the event that comes again; null for a directory. */
    give(item: DroppedItem, file: File | null): File;
  };
  /** Whether the page may have handles of the person's files. */
  handles: { met(): void; anyMet(): boolean; opens(view: Window): void; listen(view: EventTarget): void };
  transfers: {
    listen(view: Window): void;
    /** Whether something of this page was dropped just now. */
    isOwnDrop(): boolean;
    /** Everything in there, in its order. */
    itemsOf(data: DataTransfer): TransferItem[];
    /** The same again with other files in their places. */
    made(items: TransferItem[], files: File[], where: Realm): DataTransfer;
    present(node: EventTarget | null, outwards: EventTarget[]): EventTarget | null;
  };
  pastes: { listen(view: Window): void };
  windows: { isBare(view: Window): boolean; notice(view: Window | null): void; listen(): void };
  /** Frames that begin blank because other nodes come with them. */
  placing: { isQuiet(frame: Element): boolean };
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


/** A text or a file; what stands for the file is said when it is known. */
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
