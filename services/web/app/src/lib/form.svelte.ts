import { Countdown } from './countdown.svelte';
import type { Dictionary } from './i18n/en';
import { Refusal } from './refusal';

/** A field that needs another look: the id of its input, and why. */
export type Fault = { id: string; text: (t: Dictionary) => string };

// A limit that names no time is tried again after this many seconds.
const unnamedWait = 30;

/**
 * Form is the state of one form: working, which fields are at fault, what the
 * service refused, how long to wait after too many tries.
 */
export class Form {
  busy = $state(false);
  faults = $state.raw<Fault[]>([]);
  refusal = $state.raw<Refusal | null>(null);
  /** refusedCount grows with each refusal, so that each gets the focus. */
  refusedCount = $state(0);
  readonly wait = new Countdown();
  /** waitSeconds is the length of the whole wait, 0 when there is none. */
  waitSeconds = $state(0);

  /** error is the text for one field, null when it is fine. */
  error(id: string, t: Dictionary): string | null {
    return this.faults.find((fault) => fault.id === id)?.text(t) ?? null;
  }

  /**
   * submit checks the fields and runs the action, unless it is running already or
   * has to wait. It tells whether the action succeeded.
   */
  async submit(faults: (Fault | null)[], action: () => Promise<void>): Promise<boolean> {
    if (this.busy || this.wait.left > 0) return false;
    this.faults = faults.filter((fault) => fault !== null);
    this.refusal = null;
    this.waitSeconds = 0;
    if (this.faults.length > 0) {
      this.refusedCount++;
      return false;
    }
    return this.#run(action);
  }

  async #run(action: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    try {
      await action();
      return true;
    } catch (thrown) {
      this.refuse(Refusal.of(thrown));
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** refuse shows a refusal, and counts down when it says how long to wait. */
  refuse(refusal: Refusal): void {
    this.refusal = refusal;
    this.refusedCount++;
    if (refusal.status !== 429) return;
    this.waitSeconds = refusal.retryAfter ?? unnamedWait;
    this.wait.start(this.waitSeconds);
  }
}
