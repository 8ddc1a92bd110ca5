import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Form } from './form.svelte';
import { Refusal } from './refusal';

describe('Form', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('does not ask the service while a field is at fault', async () => {
    const form = new Form();
    const action = vi.fn();
    const fault = { id: 'email', text: () => 'Enter an address' };
    expect(await form.submit([fault, null], action)).toBe(false);
    expect(action).not.toHaveBeenCalled();
    expect(form.refusedCount).toBe(1);
  });

  it('runs one action at a time', async () => {
    const form = new Form();
    let end: () => void = () => undefined;
    const first = form.submit([], () => new Promise((resolve) => (end = resolve)));
    const second = vi.fn();
    expect(await form.submit([], second)).toBe(false);
    expect(second).not.toHaveBeenCalled();
    end();
    expect(await first).toBe(true);
    expect(form.busy).toBe(false);
  });

  it('waits after too many tries as long as the service says', async () => {
    const form = new Form();
    const refused = () => Promise.reject(new Refusal({ status: 429, code: 'RATE_LIMITED', retryAfter: 3 }));
    expect(await form.submit([], refused)).toBe(false);
    expect(form.wait.left).toBe(3);
    const again = vi.fn(() => Promise.resolve());
    expect(await form.submit([], again)).toBe(false);
    vi.advanceTimersByTime(1100);
    expect(form.wait.left).toBe(2);
    vi.advanceTimersByTime(2000);
    expect(form.wait.left).toBe(0);
    expect(await form.submit([], again)).toBe(true);
  });

  it('shows any failure', async () => {
    const form = new Form();
    await form.submit([], () => Promise.reject(new Error('boom')));
    expect(form.refusal?.code).toBe('UNKNOWN');
    await form.submit([], () => Promise.resolve());
    expect(form.refusal).toBeNull();
  });
});
