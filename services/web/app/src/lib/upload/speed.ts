/**
 * Speed estimates the rate of an upload from the bytes sent so far: a weighted
 * mean that forgets with a half-life of three seconds, so that the time left
 * neither jumps nor lags.
 */
export class Speed {
  #rate: number | null = null;
  #at: number;
  #sent = 0;

  /** startedAt and all later times are in milliseconds. */
  constructor(startedAt: number) {
    this.#at = startedAt;
  }

  /** add notes how many bytes are sent in all. */
  add(sent: number, at: number): void {
    const span = at - this.#at;
    if (span < 200) return; // events come in bursts; a burst says nothing about the rate
    const rate = ((sent - this.#sent) / span) * 1000;
    const weight = this.#rate === null ? 1 : 1 - 0.5 ** (span / 3000);
    this.#rate = (this.#rate ?? 0) * (1 - weight) + rate * weight;
    this.#sent = sent;
    this.#at = at;
  }

  /** perSecond is the rate in bytes a second, null until there is one. */
  get perSecond(): number | null {
    return this.#rate;
  }

  /** secondsLeft is the time the rest takes at this rate, null when nobody can tell. */
  secondsLeft(rest: number): number | null {
    return this.#rate === null || this.#rate < 1 ? null : rest / this.#rate;
  }
}
