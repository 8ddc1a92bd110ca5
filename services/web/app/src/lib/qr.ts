import { encode } from 'uqr';

/** Drawing is a QR code as one path of unit squares, with the quiet border it needs. */
export type Drawing = { size: number; path: string };

/** draw makes the QR code of a text. A row's dark squares that touch are one stroke. */
export function draw(text: string): Drawing {
  const { size, data } = encode(text, { ecc: 'M', border: 4 });
  const path = data.flatMap((row, y) =>
    [...row.map((dark) => (dark ? '#' : ' ')).join('').matchAll(/#+/g)].map(
      ({ index, 0: run }) => `M${index} ${y}h${run.length}v1h-${run.length}z`
    )
  );
  return { size, path: path.join('') };
}
