import { describe, expect, it, vi } from 'vitest';
import { confirm, offsite, usual } from './checkout';
import { Refusal } from './refusal';
import type { Checkout, Plan } from './types';

const checkout = (status: Checkout['status']): Checkout => ({ id: 'cs_1', status, payment_status: 'paid', plan: 'free' });
const plan = (key: string) => ({ plan: key, current_period_end: key === 'free' ? null : '2030-01-01T00:00:00Z' }) as Plan;

// A clock that moves only by waiting.
function parts(checkouts: (Checkout | Error)[], plans: Plan[], chosen: string | null = 'pro') {
  let time = 0;
  const next = <T>(list: (T | Error)[]) => {
    const value = list.length > 1 ? (list.shift() as T | Error) : (list[0] as T | Error);
    return value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
  };
  return {
    checkout: () => next(checkouts),
    plan: () => next<Plan>(plans),
    chosen,
    wait: (ms: number) => {
      time += ms;
      return Promise.resolve();
    },
    now: () => time
  };
}

const never = new AbortController().signal;

describe('confirm', () => {
  it('waits for the plan, not only for the payment', async () => {
    const slow = vi.fn();
    const found = parts([checkout('open'), checkout('complete')], [plan('free'), plan('free'), plan('pro')]);
    expect(await confirm(found, slow, never)).toBe('confirmed');
    expect(slow).not.toHaveBeenCalled();
  });

  it('knows a paid plan also when nobody remembers which was chosen', async () => {
    const found = parts([checkout('complete')], [plan('free'), plan('team')], null);
    expect(await confirm(found, () => undefined, never)).toBe('confirmed');
    expect(found.now()).toBeGreaterThan(0);
  });

  it('looks again after a failure', async () => {
    const found = parts([Refusal.offline(), new Refusal({ status: 503, code: 'UNAVAILABLE' }), checkout('complete')], [plan('pro')]);
    expect(await confirm(found, () => undefined, never)).toBe('confirmed');
  });

  it('says when the payment page has expired', async () => {
    expect(await confirm(parts([checkout('expired')], []), () => undefined, never)).toBe('expired');
  });

  it('says once that it takes long, and goes on', async () => {
    const stop = new AbortController();
    const found = parts([checkout('open')], []);
    const slow = vi.fn(() => setTimeout(() => stop.abort()));
    const wait = found.wait;
    found.wait = async (ms) => {
      await wait(ms);
      await new Promise((resolve) => setTimeout(resolve));
    };
    expect(await confirm(found, slow, stop.signal)).toBe('slow');
    expect(slow).toHaveBeenCalledTimes(1);
    expect(found.now()).toBeGreaterThan(usual);
  });
});

it('sends people to web addresses only', () => {
  expect(offsite('https://checkout.stripe.com/c/pay/cs_1')).toBe(true);
  expect(offsite('http://localhost:12111/pay')).toBe(true);
  expect(offsite('javascript:alert(1)')).toBe(false);
  expect(offsite('/billing')).toBe(false);
});
