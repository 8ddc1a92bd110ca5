import { Refusal } from '$lib/refusal';
import type { StoredFile } from '$lib/types';
import { numbered } from './name';
import { send as sendFile } from './send';
import { Speed } from './speed';

/** How many files are on their way at once; more would only share the same line. */
const atOnce = 2;
/** How often a file waits and goes on by itself after a 429 or 503. */
const patience = 5;

export type State = 'waiting' | 'sending' | 'pausing' | 'done' | 'failed' | 'cancelled' | 'refused';

/** Limits are what can be known before a byte is sent. */
export type Limits = { file: number; free: number };

/** Upload is one file on its way. */
export class Upload {
  readonly id = crypto.randomUUID();
  readonly file: File;
  name = $state('');
  state = $state<State>('waiting');
  sent = $state(0);
  rate = $state<number | null>(null);
  secondsLeft = $state<number | null>(null);
  refusal = $state.raw<Refusal | null>(null);
  resumesAt = $state<number | null>(null);
  tries = 0;
  stop = new AbortController();

  constructor(file: File) {
    this.file = file;
    this.name = file.name;
  }

  get size(): number {
    return this.file.size;
  }
  /** percent is the share sent, 0 to 100; an empty file has none until it is done. */
  get percent(): number {
    if (this.size === 0) return this.state === 'done' ? 100 : 0;
    return Math.min(100, Math.floor((this.sent / this.size) * 100));
  }
  /** running tells whether the upload will still change by itself. */
  get running(): boolean {
    return this.state === 'waiting' || this.state === 'sending' || this.state === 'pausing';
  }
}

type Parts = {
  send: typeof sendFile;
  now: () => number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
};

/**
 * Uploads is the list of files on their way. It belongs to the app and not to a
 * page, so that uploads go on while somebody looks at other pages.
 */
export class Uploads {
  items = $state<Upload[]>([]);
  /** onDone is told each stored file. */
  onDone = new Set<(file: StoredFile) => void>();
  /** onStep is told every quarter, and how each upload ended. */
  onStep = new Set<(upload: Upload, percent: number | 'done' | 'failed') => void>();
  #parts: Parts;

  constructor(parts: Partial<Parts> = {}) {
    this.#parts = { send: sendFile, now: () => Date.now(), wait: pause, ...parts };
  }

  get running(): number {
    return this.items.filter((item) => item.running).length;
  }
  /** finished and all count the present batch, for "2 of 5". */
  get finished(): number {
    return this.items.filter((item) => item.state === 'done').length;
  }
  get wanted(): number {
    return this.items.filter((item) => item.running || item.state === 'done').length;
  }

  /** add takes files in; those that cannot fit are refused before a byte is sent. */
  add(files: Iterable<File>, limits: Limits | null): void {
    let free = (limits?.free ?? Infinity) - this.#promised();
    for (const file of files) {
      const upload = new Upload(file);
      const code = refuse(file, limits, free);
      if (code === null) free -= file.size;
      else {
        upload.state = 'refused';
        upload.refusal = new Refusal({ status: 413, code });
      }
      this.items.push(upload);
    }
    this.#fill();
  }

  cancel(upload: Upload): void {
    upload.stop.abort();
    if (upload.state === 'waiting') upload.state = 'cancelled';
  }

  retry(upload: Upload, name = upload.name): void {
    upload.stop = new AbortController();
    upload.tries = 0;
    upload.name = name;
    upload.state = 'waiting';
    this.#fill();
  }

  /** keepBoth sends a file again under a name that is still free. */
  keepBoth(upload: Upload): void {
    this.retry(upload, numbered(upload.name));
  }

  dismiss(upload: Upload): void {
    this.items = this.items.filter((item) => item !== upload);
  }

  /** clear takes what has ended off the list. */
  clear(): void {
    this.items = this.items.filter((item) => item.running);
  }

  /** drop ends everything: the person has signed out. */
  drop(): void {
    this.items.forEach((item) => this.cancel(item));
    this.items = [];
  }

  #promised(): number {
    return this.items.filter((item) => item.running).reduce((sum, item) => sum + item.size, 0);
  }

  #fill(): void {
    const busy = this.items.filter((item) => item.state === 'sending' || item.state === 'pausing').length;
    const next = this.items.filter((item) => item.state === 'waiting').slice(0, Math.max(0, atOnce - busy));
    for (const upload of next) void this.#run(upload);
  }

  async #run(upload: Upload): Promise<void> {
    try {
      const stored = await this.#insist(upload);
      upload.sent = upload.size;
      upload.state = 'done';
      this.onDone.forEach((tell) => tell(stored));
      this.onStep.forEach((tell) => tell(upload, 'done'));
    } catch (thrown) {
      this.#fail(upload, Refusal.of(thrown));
    }
    this.#fill();
  }

  #fail(upload: Upload, refusal: Refusal): void {
    upload.state = refusal.code === 'ABORTED' ? 'cancelled' : 'failed';
    upload.refusal = refusal;
    if (upload.state === 'failed') this.onStep.forEach((tell) => tell(upload, 'failed'));
  }

  // A service that says when to come back is believed.
  async #insist(upload: Upload): Promise<StoredFile> {
    for (;;) {
      try {
        return await this.#send(upload);
      } catch (thrown) {
        const refusal = Refusal.of(thrown);
        const busy = refusal.status === 429 || refusal.status === 503;
        if (!busy || refusal.retryAfter === null || ++upload.tries > patience) throw refusal;
        upload.state = 'pausing';
        upload.resumesAt = this.#parts.now() + refusal.retryAfter * 1000;
        await this.#parts.wait(refusal.retryAfter * 1000, upload.stop.signal);
      }
    }
  }

  async #send(upload: Upload): Promise<StoredFile> {
    const speed = new Speed(this.#parts.now());
    upload.state = 'sending';
    upload.sent = 0;
    upload.rate = upload.secondsLeft = upload.refusal = upload.resumesAt = null;
    let quarter = 0;
    const onProgress = (sent: number) => {
      upload.sent = Math.min(sent, upload.size);
      speed.add(upload.sent, this.#parts.now());
      upload.rate = speed.perSecond;
      upload.secondsLeft = speed.secondsLeft(upload.size - upload.sent);
      const reached = Math.floor(upload.percent / 25);
      if (reached > quarter && reached < 4) this.onStep.forEach((tell) => tell(upload, reached * 25));
      quarter = Math.max(quarter, reached);
    };
    return this.#parts.send(upload.file, upload.name, onProgress, upload.stop.signal);
  }
}

function refuse(file: File, limits: Limits | null, free: number): string | null {
  if (limits !== null && file.size > limits.file) return 'FILE_TOO_LARGE';
  return file.size > free ? 'QUOTA_EXCEEDED' : null;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Refusal({ status: 0, code: 'ABORTED' }));
    });
  });
}

/** uploads is the one list of this tab. */
export const uploads = new Uploads();
