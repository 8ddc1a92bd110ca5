import { expect, it } from 'vitest';
import { kind } from './kind';

it.each([
  ['image/png', 'image'],
  ['VIDEO/mp4', 'video'],
  ['text/plain; charset=utf-8', 'text'],
  ['application/pdf', 'text'],
  ['application/zip', 'archive'],
  ['application/octet-stream', 'other'],
  ['', 'other']
])('sorts %s as %s', (type, wanted) => {
  expect(kind(type)).toBe(wanted);
});
