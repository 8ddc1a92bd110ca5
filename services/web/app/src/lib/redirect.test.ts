import { describe, expect, it } from 'vitest';
import { localPath, onward, secondFactorAddress, signInAddress } from './redirect';

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

describe('onward', () => {
  const origin = 'https://app.example';

  it.each([
    ['', '/dashboard'],
    ['?redirect=/files', '/files'],
    ['?callbackURL=/verify?done', '/verify?done'],
    ['?callbackURL=https://app.example/files', '/files'],
    ['?callbackURL=https://app.example.evil.example/files', '/dashboard'],
    ['?callbackURL=https://app.example//evil.example', '/dashboard'],
    ['?callbackURL=https://evil.example/', '/dashboard'],
    ['?redirect=//evil.example', '/dashboard'],
    ['?redirect=https://app.example/api/auth/sign-out', '/dashboard']
  ])('leads from %j', (search, wanted) => {
    expect(onward(new URLSearchParams(search), origin)).toBe(wanted);
  });

  it('keeps the way back whole', () => {
    expect(onward(new URL(secondFactorAddress('/files?a=1&b=2'), origin).searchParams, origin)).toBe('/files?a=1&b=2');
  });
});
