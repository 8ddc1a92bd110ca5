import { Refusal } from './refusal';
import type { Page } from './types';

/** Loaded is a value that comes from a service: there, on its way, or refused. */
export class Loaded<T> {
  value = $state.raw<T | null>(null);
  refusal = $state.raw<Refusal | null>(null);
  #fetch: () => Promise<T>;
  #latest = 0;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  /**
   * load asks again. What is there stays until the answer has come; an answer that
   * was overtaken by a later one is dropped.
   */
  load = async (): Promise<T | null> => {
    const mine = ++this.#latest;
    this.refusal = null;
    try {
      const value = await this.#fetch();
      if (mine === this.#latest) this.value = value;
    } catch (thrown) {
      if (mine === this.#latest) this.refusal = Refusal.of(thrown);
    }
    return this.value;
  };

  /** set puts in a value that is known without asking. */
  set(value: T | null): void {
    this.#latest++;
    this.value = value;
    this.refusal = null;
  }
}

/** Paged is a list that comes page by page, by the cursor of the page before. */
export class Paged<T extends { id: string }> {
  items = $state.raw<T[] | null>(null);
  refusal = $state.raw<Refusal | null>(null);
  busy = $state(false);
  #cursor: string | null = null;
  more = $state(false);
  #fetch: (cursor: string | null) => Promise<Page<T>>;
  #latest = 0;

  constructor(fetch: (cursor: string | null) => Promise<Page<T>>) {
    this.#fetch = fetch;
  }

  /** first loads the list from its beginning. */
  first = (): Promise<void> => this.#page(null);
  /** next adds the following page. */
  next = (): Promise<void> => (this.busy ? Promise.resolve() : this.#page(this.#cursor));

  /** change replaces the entries at hand, for what is known without asking. */
  change(how: (items: T[]) => T[]): void {
    if (this.items !== null) this.items = how(this.items);
  }

  async #page(cursor: string | null): Promise<void> {
    const mine = ++this.#latest;
    this.busy = true;
    this.refusal = null;
    try {
      const page = await this.#fetch(cursor);
      if (mine !== this.#latest) return;
      this.items = cursor === null ? page.items : join(this.items ?? [], page.items);
      this.#cursor = page.next_cursor;
      this.more = page.next_cursor !== null;
    } catch (thrown) {
      if (mine === this.#latest) this.refusal = Refusal.of(thrown);
    } finally {
      if (mine === this.#latest) this.busy = false;
    }
  }
}

// An entry that was put in by hand may come again with its page.
function join<T extends { id: string }>(had: T[], came: T[]): T[] {
  const known = new Set(had.map((item) => item.id));
  return [...had, ...came.filter((item) => !known.has(item.id))];
}
