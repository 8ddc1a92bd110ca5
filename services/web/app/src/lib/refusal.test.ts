import { describe, expect, it } from 'vitest';
import { Refusal, fromAnswer } from './refusal';

const headers = (of: Record<string, string> = {}) => new Headers(of);

describe('fromAnswer', () => {
  it('reads the form of RFC 9457', () => {
    const refusal = fromAnswer(422, headers(), {
      code: 'VALIDATION_FAILED',
      detail: 'Some of the input is not valid',
      request_id: 'abc',
      errors: [{ pointer: '/name', detail: 'too long' }, 'noise']
    });
    expect(refusal).toMatchObject({ status: 422, code: 'VALIDATION_FAILED', requestId: 'abc' });
    expect(refusal.fields).toEqual([{ pointer: '/name', detail: 'too long' }]);
  });

  it('reads the form of the auth service', () => {
    const refusal = fromAnswer(401, headers(), { code: 'INVALID_EMAIL_OR_PASSWORD', message: 'Invalid' });
    expect(refusal).toMatchObject({ code: 'INVALID_EMAIL_OR_PASSWORD', message: 'Invalid' });
  });

  it.each([
    [429, 'RATE_LIMITED'],
    [502, 'UNAVAILABLE'],
    [413, 'FILE_TOO_LARGE'],
    [418, 'UNKNOWN']
  ])('names an answer of status %i without a code %s', (status, code) => {
    expect(fromAnswer(status, headers(), null).code).toBe(code);
    expect(fromAnswer(status, headers(), '<html>').code).toBe(code);
  });

  it('knows how long to wait, in seconds or until a date', () => {
    expect(fromAnswer(429, headers({ 'Retry-After': '7' }), null).retryAfter).toBe(7);
    expect(fromAnswer(429, headers({ 'X-Retry-After': '3' }), null).retryAfter).toBe(3);
    const soon = new Date(Date.now() + 60_000).toUTCString();
    expect(fromAnswer(503, headers({ 'Retry-After': soon }), null).retryAfter).toBeGreaterThan(55);
    expect(fromAnswer(503, headers({ 'Retry-After': 'whenever' }), null).retryAfter).toBeNull();
    expect(fromAnswer(503, headers(), null).retryAfter).toBeNull();
  });
});

describe('Refusal.of', () => {
  it('keeps a refusal and wraps anything else', () => {
    const refusal = Refusal.offline();
    expect(Refusal.of(refusal)).toBe(refusal);
    expect(Refusal.of(new TypeError('x')).code).toBe('UNKNOWN');
  });
});
