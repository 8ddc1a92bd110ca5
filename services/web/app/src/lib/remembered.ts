/** Remembered is one text that this tab keeps, also over a visit to another site. */
class Remembered {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  get(): string {
    try {
      return sessionStorage.getItem(this.#key) ?? '';
    } catch {
      return ''; // storage may be switched off: then nothing is remembered
    }
  }

  set(text: string): void {
    try {
      sessionStorage.setItem(this.#key, text);
    } catch {
      // As above.
    }
  }

  clear(): void {
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // As above.
    }
  }
}

/**
 * pendingAddress is the address whose mail is awaited. It is not in the page's own
 * address, where it would end up in logs.
 */
export const pendingAddress = new Remembered('codex.pending-address');

/** chosenPlan is the plan for which the person went to the payment page. */
export const chosenPlan = new Remembered('codex.chosen-plan');

/** secondFactors are the kinds of codes that the sign-in under way takes. */
export const secondFactors = new Remembered('codex.second-factors');
