import { describe, expect, it } from 'vitest';
import { ago, bytes, duration, money, price } from './format';

// Intl separates number and unit by no-break spaces of several widths.
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe('bytes', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [1023, '1,023 bytes'],
    [1024, '1 kB'],
    [1536, '1.5 kB'],
    [1024 ** 2 - 1, '1 MB'],
    [281_220_112, '268 MB'],
    [1024 ** 3, '1 GB'],
    [100 * 1024 ** 3, '100 GB'],
    [-1, '0 bytes']
  ])('writes %i as %s', (n, text) => {
    expect(plain(bytes(n, 'en-US'))).toBe(text);
  });

  it('follows the locale', () => {
    expect(plain(bytes(1536, 'de-DE'))).toBe('1,5 kB');
  });
});

describe('money', () => {
  it('knows how many digits a currency has', () => {
    expect(plain(money(1200, 'eur', 'en-US'))).toBe('€12.00');
    expect(plain(money(1200, 'eur', 'de-DE'))).toBe('12,00 €');
    expect(plain(money(1200, 'jpy', 'en-US'))).toBe('¥1,200');
    expect(plain(money(1200, 'kwd', 'en-US'))).toBe('KWD 1.200');
  });

  it('survives a currency that is none', () => {
    expect(money(1200, '', 'en-US')).toBe('12');
    expect(money(1200, 'euros', 'en-US')).toBe('12 euros');
  });

  it('leaves the zeros off a price tag', () => {
    expect(plain(price(1200, 'eur', 'en-US'))).toBe('€12');
    expect(plain(price(1250, 'eur', 'en-US'))).toBe('€12.50');
    expect(plain(price(0, 'eur', 'de-DE'))).toBe('0 €');
  });
});

describe('ago', () => {
  const now = new Date('2030-03-10T12:00:00Z');
  it.each([
    ['2030-03-10T11:59:30Z', 'just now'],
    ['2030-03-10T11:58:30Z', '1 minute ago'],
    ['2030-03-10T09:00:00Z', '3 hours ago'],
    ['2030-03-09T10:00:00Z', 'yesterday'],
    ['2030-01-10T12:00:00Z', 'last month']
  ])('writes %s as %s', (then, text) => {
    expect(ago(then, now, 'en', 'just now')).toBe(text);
  });
});

describe('duration', () => {
  it.each([
    [0, 'soon'],
    [4.9, 'soon'],
    [12, '15 sec'],
    [61, '2 min'],
    [5400, '1.5 hr']
  ])('writes %i seconds as %s', (seconds, text) => {
    expect(plain(duration(seconds, 'en', 'soon'))).toBe(text);
  });
});
