import type { Checkout, Plan } from './types';

export type Outcome = 'confirmed' | 'expired' | 'slow';

type Parts = {
  checkout: () => Promise<Checkout>;
  plan: () => Promise<Plan>;
  /** The plan that was chosen; null when nobody remembers. */
  chosen: string | null;
  wait: (ms: number) => Promise<void>;
  now: () => number;
};

/** How long the page calls the wait usual, in milliseconds. */
export const usual = 45_000;

/**
 * confirm waits, after the return from the payment page, until the plan has
 * changed; Stripe's event may come later than the person. A failed look is not an
 * answer and is made again. After the usual time it tells onSlow and goes on with
 * longer pauses, until the signal ends it.
 */
export async function confirm(parts: Parts, onSlow: () => void, signal: AbortSignal): Promise<Outcome> {
  const start = parts.now();
  let slow = false;
  for (let round = 0; !signal.aborted; round++) {
    const outcome = await look(parts);
    if (outcome !== null) return outcome;
    if (!slow && parts.now() - start > usual) {
      slow = true;
      onSlow();
    }
    await parts.wait(slow ? 10_000 : Math.min(1000 + round * 250, 3000));
  }
  return 'slow';
}

async function look(parts: Parts): Promise<Outcome | null> {
  try {
    const checkout = await parts.checkout();
    if (checkout.status === 'expired') return 'expired';
    if (checkout.status !== 'complete') return null;
    return turned(await parts.plan(), parts.chosen) ? 'confirmed' : null;
  } catch {
    return null;
  }
}

// A plan that is paid for has an end of its period.
const turned = (plan: Plan, chosen: string | null) =>
  chosen === null ? plan.current_period_end !== null : plan.plan === chosen;

/** offsite tells whether an address is one that a person may be sent to for paying. */
export function offsite(address: string): boolean {
  try {
    return ['https:', 'http:'].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}
