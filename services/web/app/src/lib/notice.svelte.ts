// What the app tells without being asked: shown for a moment, and read out by
// screen readers. The root layout holds the two live regions.

class Notice {
  /** shown is on the screen, and is read out when it appears. */
  shown = $state('');
  /** spoken is only read out: progress, which is visible elsewhere. */
  spoken = $state('');
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** show tells something to everybody, for some seconds. */
  show(text: string): void {
    clearTimeout(this.#timer);
    this.shown = text;
    this.#timer = setTimeout(() => (this.shown = ''), 6000);
  }

  /** say tells something to screen readers only. */
  say(text: string): void {
    // The same text twice would not be read again.
    this.spoken = this.spoken === text ? `${text}\u00a0` : text;
  }
}

export const notice = new Notice();
