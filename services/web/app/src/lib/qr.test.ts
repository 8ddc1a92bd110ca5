import { encode } from 'uqr';
import { expect, it } from 'vitest';
import { draw } from './qr';

it('draws every dark square once, and no other', () => {
  const text = 'otpauth://totp/Codex:ada%40example.test?secret=ONSWG4TFOQQGS4ZANZXXIIDIMVZGKIDBOQQGC3DMEEQSC&issuer=Codex&digits=6&period=30';
  const drawn: string[] = [];
  for (const [, x, y, run] of draw(text).path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let at = 0; at < Number(run); at++) drawn.push(`${Number(x) + at} ${y}`);
  }
  const dark = encode(text, { ecc: 'M', border: 4 }).data.flatMap((row, y) =>
    row.flatMap((is, x) => (is ? [`${x} ${y}`] : []))
  );
  expect(drawn).toEqual(dark);
});

it('leaves the border that readers need', () => {
  const { size, path } = draw('Codex');
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)/g)) {
    expect(Math.min(Number(x), Number(y))).toBeGreaterThanOrEqual(4);
    expect(Math.max(Number(x) + Number(run), Number(y) + 1)).toBeLessThanOrEqual(size - 4);
  }
});
