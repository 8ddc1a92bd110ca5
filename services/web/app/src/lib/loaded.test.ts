import { describe, expect, it } from 'vitest';
import { Loaded, Paged } from './loaded.svelte';
import { Refusal } from './refusal';

const settle = () => new Promise((resolve) => setTimeout(resolve));

describe('Loaded', () => {
  it('keeps what is there when a later look fails', async () => {
    const answers: (() => Promise<number>)[] = [() => Promise.resolve(1), () => Promise.reject(Refusal.offline())];
    const loaded = new Loaded(() => (answers.shift() as () => Promise<number>)());
    await loaded.load();
    expect(loaded.value).toBe(1);
    await loaded.load();
    expect([loaded.value, loaded.refusal?.code]).toEqual([1, 'OFFLINE']);
  });

  it('drops an answer that was overtaken', async () => {
    const give: ((n: number) => void)[] = [];
    const loaded = new Loaded(() => new Promise<number>((resolve) => give.push(resolve)));
    void loaded.load();
    void loaded.load();
    give[1]?.(2);
    await settle();
    give[0]?.(1);
    await settle();
    expect(loaded.value).toBe(2);
  });

  it('does not fill in for somebody who has left', async () => {
    let give: (n: number) => void = () => undefined;
    const loaded = new Loaded(() => new Promise<number>((resolve) => (give = resolve)));
    void loaded.load();
    loaded.set(null);
    give(1);
    await settle();
    expect(loaded.value).toBeNull();
  });
});

describe('Paged', () => {
  const page = (ids: string[], next: string | null) => ({ items: ids.map((id) => ({ id })), next_cursor: next });

  it('follows the cursor and takes no entry twice', async () => {
    const asked: (string | null)[] = [];
    const pages = [page(['a', 'b'], 'c1'), page(['b', 'c'], null)];
    const paged = new Paged((cursor) => {
      asked.push(cursor);
      return Promise.resolve(pages.shift() ?? page([], null));
    });
    await paged.first();
    expect(paged.more).toBe(true);
    await paged.next();
    expect(paged.items?.map((item) => item.id)).toEqual(['a', 'b', 'c']);
    expect(paged.more).toBe(false);
    expect(asked).toEqual([null, 'c1']);
  });

  it('can try a page again that did not come', async () => {
    let fail = true;
    const paged = new Paged((cursor) => {
      if (cursor === null) return Promise.resolve(page(['a'], 'c1'));
      if (!fail) return Promise.resolve(page(['b'], null));
      fail = false;
      return Promise.reject(Refusal.offline());
    });
    await paged.first();
    await paged.next();
    expect([paged.refusal?.code, paged.items?.length, paged.more]).toEqual(['OFFLINE', 1, true]);
    await paged.next();
    expect(paged.items?.map((item) => item.id)).toEqual(['a', 'b']);
  });
});
