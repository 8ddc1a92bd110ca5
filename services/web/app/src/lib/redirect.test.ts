import { describe, expect, it } from 'vitest';
import { localPath, signInAddress } from './redirect';

describe('localPath', () => {
  it.each(['/files', '/files?sort=name#list', '/billing?checkout=cancelled', '/'])('follows %s', (path) => {
    expect(localPath(path)).toBe(path);
  });

  it.each([
    null,
    '',
    'files',
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    '/%2e%2e//evil.example/',
    '/..//evil.example/',
    'javascript:alert(1)',
    ' /files',
    '/api/auth/sign-out',
    '/internal/v1/users/1',
    '/../api/auth/sign-out'
  ])('does not follow %j', (path) => {
    expect(localPath(path)).toBe('/dashboard');
  });

  it('keeps the way back whole', () => {
    const address = new URL(signInAddress('/files?a=1&b=2'), 'https://app.example');
    expect(localPath(address.searchParams.get('redirect'))).toBe('/files?a=1&b=2');
  });
});
