/** Countdown tells the seconds left of a wait, by the clock and not by its ticks. */
export class Countdown {
  left = $state(0);
  #end = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  start(seconds: number): void {
    this.stop();
    this.#end = Date.now() + seconds * 1000;
    this.#tick();
    if (this.left > 0) this.#timer = setInterval(() => this.#tick(), 250);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.left = 0;
  }

  // A tab in the background is woken late: what counts is the time itself.
  #tick(): void {
    this.left = Math.max(0, Math.ceil((this.#end - Date.now()) / 1000));
    if (this.left === 0) clearInterval(this.#timer);
  }
}
