import { describe, expect, it } from 'vitest';
import { choose, split } from './codes';
import { de } from './de';
import { en } from './en';

describe('split', () => {
  it.each([
    ['/', 'en', '/'],
    ['/sign-in', 'en', '/sign-in'],
    ['/de/', 'de', '/'],
    ['/de', 'de', '/'],
    ['/de/sign-in', 'de', '/sign-in'],
    ['/demo', 'en', '/demo'],
    ['/en/x', 'en', '/en/x']
  ])('takes %s apart', (pathname, code, path) => {
    expect(split(pathname)).toEqual({ code, path });
  });
});

describe('choose', () => {
  it('gives the first language it speaks', () => {
    expect(choose(['fr-CH', 'de-AT', 'en'])).toBe('de');
    expect(choose(['EN-gb', 'de'])).toBe('en');
    expect(choose(['fr'])).toBe('en');
    expect(choose([])).toBe('en');
  });
});

describe('the dictionaries', () => {
  // Names and words that are the same in both languages.
  const same = new Set(['Codex', 'Name', 'Status']);

  function texts(of: object, at = ''): [string, string][] {
    return Object.entries(of).flatMap(([key, value]): [string, string][] => {
      if (typeof value === 'string') return [[`${at}${key}`, value]];
      return typeof value === 'object' && value !== null ? texts(value as object, `${at}${key}.`) : [];
    });
  }

  it('leave nothing untranslated', () => {
    const english = new Map(texts(en));
    const left = texts(de).filter(([key, text]) => english.get(key) === text && !same.has(text) && !key.endsWith('.icon'));
    expect(left).toEqual([]);
  });

  it('know the same codes', () => {
    for (const part of ['errors', 'plan.status', 'billing.statuses', 'billing.per']) {
      const keys = (of: object) =>
        Object.keys(part.split('.').reduce<object>((at, key) => (at as Record<string, object>)[key] ?? {}, of)).sort();
      expect(keys(de), part).toEqual(keys(en));
    }
  });
});
