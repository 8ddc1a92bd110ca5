import { describe, expect, it, vi } from 'vitest';
import { Refusal } from '$lib/refusal';
import type { StoredFile } from '$lib/types';
import { numbered } from './name';
import { Uploads, type Upload } from './queue.svelte';
import { Speed } from './speed';

describe('numbered', () => {
  it.each([
    ['a.pdf', 'a (2).pdf'],
    ['a (2).pdf', 'a (3).pdf'],
    ['a (9).tar.gz', 'a (9).tar (2).gz'],
    ['noending', 'noending (2)'],
    ['.profile', '.profile (2)']
  ])('makes %s into %s', (name, wanted) => {
    expect(numbered(name)).toBe(wanted);
  });
});

describe('Speed', () => {
  it('tells nothing before there is something to tell', () => {
    const speed = new Speed(0);
    expect(speed.perSecond).toBeNull();
    expect(speed.secondsLeft(1000)).toBeNull();
    speed.add(50, 100); // a burst
    expect(speed.perSecond).toBeNull();
  });

  it('finds a steady rate and the time left', () => {
    const speed = new Speed(0);
    for (let second = 1; second <= 10; second++) speed.add(second * 1000, second * 1000);
    expect(speed.perSecond).toBeCloseTo(1000);
    expect(speed.secondsLeft(5000)).toBeCloseTo(5);
  });

  it('follows a line that becomes slow, without jumping', () => {
    const speed = new Speed(0);
    speed.add(10_000, 1000);
    speed.add(11_000, 2000);
    expect(speed.perSecond).toBeGreaterThan(1000);
    expect(speed.perSecond).toBeLessThan(10_000);
  });
});

// A sender whose answers the test gives, one by one.
function sender() {
  const open: { name: string; resolve: () => void; reject: (why: Refusal) => void; progress: (n: number) => void }[] = [];
  const send = vi.fn(
    (file: Blob, name: string, progress: (n: number) => void, signal: AbortSignal) =>
      new Promise<StoredFile>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Refusal({ status: 0, code: 'ABORTED' })));
        open.push({ name, progress, reject, resolve: () => resolve({ id: name, name, size: file.size } as StoredFile) });
      })
  );
  return { open, send };
}

const file = (name: string, size: number) => {
  const it = new File(['x'], name);
  Object.defineProperty(it, 'size', { value: size });
  return it;
};
const settle = () => new Promise((resolve) => setTimeout(resolve));
const states = (uploads: Uploads) => uploads.items.map((item) => item.state);

describe('Uploads', () => {
  it('sends two at a time, in order', async () => {
    const { open, send } = sender();
    const uploads = new Uploads({ send });
    uploads.add([file('a', 1), file('b', 1), file('c', 1)], null);
    expect(states(uploads)).toEqual(['sending', 'sending', 'waiting']);
    open[1]?.resolve();
    await settle();
    expect(states(uploads)).toEqual(['sending', 'done', 'sending']);
    expect([uploads.running, uploads.finished, uploads.wanted]).toEqual([2, 1, 3]);
  });

  it('refuses what cannot fit before a byte is sent', () => {
    const { send } = sender();
    const uploads = new Uploads({ send });
    uploads.add([file('huge', 101), file('a', 60), file('b', 60), file('c', 40)], { file: 100, free: 100 });
    expect(uploads.items.map((item) => item.refusal?.code ?? null)).toEqual(['FILE_TOO_LARGE', null, 'QUOTA_EXCEEDED', null]);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it('counts the room that running uploads will take', () => {
    const { send } = sender();
    const uploads = new Uploads({ send });
    uploads.add([file('a', 60)], { file: 100, free: 100 });
    uploads.add([file('b', 60)], { file: 100, free: 100 });
    expect(uploads.items[1]?.refusal?.code).toBe('QUOTA_EXCEEDED');
  });

  it('cancels one that runs and one that waits', async () => {
    const { send } = sender();
    const uploads = new Uploads({ send });
    uploads.add([file('a', 1), file('b', 1), file('c', 1)], null);
    uploads.cancel(uploads.items[2] as Upload);
    uploads.cancel(uploads.items[0] as Upload);
    await settle();
    expect(states(uploads)).toEqual(['cancelled', 'sending', 'cancelled']);
  });

  it('waits as long as a busy service says, then goes on', async () => {
    const { open, send } = sender();
    const wait = vi.fn(() => Promise.resolve());
    const uploads = new Uploads({ send, wait });
    uploads.add([file('a', 1)], null);
    open[0]?.reject(new Refusal({ status: 429, code: 'RATE_LIMITED', retryAfter: 7 }));
    await settle();
    expect(wait).toHaveBeenCalledWith(7000, expect.anything());
    open[1]?.resolve();
    await settle();
    expect(states(uploads)).toEqual(['done']);
  });

  it('gives up on a service that stays busy, and can be told to try again', async () => {
    const { open, send } = sender();
    const uploads = new Uploads({ send, wait: () => Promise.resolve() });
    uploads.add([file('a', 1)], null);
    for (let round = 0; round <= 5; round++) {
      open[round]?.reject(new Refusal({ status: 503, code: 'UNAVAILABLE', retryAfter: 1 }));
      await settle();
    }
    expect(states(uploads)).toEqual(['failed']);
    uploads.retry(uploads.items[0] as Upload);
    open[6]?.resolve();
    await settle();
    expect(states(uploads)).toEqual(['done']);
  });

  it('keeps both of two files with one name', async () => {
    const { open, send } = sender();
    const uploads = new Uploads({ send });
    uploads.add([file('a.txt', 1)], null);
    open[0]?.reject(new Refusal({ status: 409, code: 'NAME_TAKEN' }));
    await settle();
    uploads.keepBoth(uploads.items[0] as Upload);
    expect(open[1]?.name).toBe('a (2).txt');
  });

  it('tells each quarter once, and the end', async () => {
    const { open, send } = sender();
    const uploads = new Uploads({ send });
    const steps: (number | string)[] = [];
    uploads.onStep.add((_, at) => steps.push(at));
    uploads.add([file('a', 100)], null);
    for (const sent of [10, 26, 30, 80, 90, 100]) open[0]?.progress(sent);
    open[0]?.resolve();
    await settle();
    expect(steps).toEqual([25, 75, 'done']);
  });

  it('forgets everything when somebody signs out', async () => {
    const { open, send } = sender();
    const uploads = new Uploads({ send });
    const done = vi.fn();
    uploads.onDone.add(done);
    uploads.add([file('a', 1), file('b', 1)], null);
    uploads.drop();
    open[0]?.resolve();
    await settle();
    expect(uploads.items).toEqual([]);
    expect(done).not.toHaveBeenCalled();
  });
});
