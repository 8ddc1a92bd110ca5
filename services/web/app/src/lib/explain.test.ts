import { expect, it } from 'vitest';
import { explain, reference } from './explain';
import { en } from './i18n/en';
import { Refusal } from './refusal';

it('says why in words, also for a code it does not know', () => {
  const said = (status: number, code: string) => explain(new Refusal({ status, code }), en);
  expect(said(401, 'INVALID_EMAIL_OR_PASSWORD')).toBe(en.errors.INVALID_EMAIL_OR_PASSWORD);
  expect(said(429, 'BRAND_NEW')).toBe(en.errors.RATE_LIMITED);
  expect(said(503, 'BRAND_NEW')).toBe(en.errors.UNAVAILABLE);
  expect(said(400, 'BRAND_NEW')).toBe(en.errors.UNKNOWN);
  expect(said(400, 'toString')).toBe(en.errors.UNKNOWN);
});

it('gives the reference of faults only', () => {
  expect(reference(new Refusal({ status: 500, code: 'INTERNAL', requestId: 'r1' }), en)).toBe('Reference: r1');
  expect(reference(new Refusal({ status: 409, code: 'NAME_TAKEN', requestId: 'r1' }), en)).toBeNull();
});
