import { describe, expect, it } from 'vitest';
import { en } from './i18n/en';
import { codeFault, isOn, isOver, keyOf, offered, tidy } from './second-factor';

describe('offered', () => {
  it.each([
    ['', ['totp', 'otp', 'backup']],
    ['otp,totp,backup', ['totp', 'otp', 'backup']],
    ['otp,backup', ['otp', 'backup']],
    ['backup', ['backup']],
    ['telepathy,backup', ['backup']]
  ])('makes of %j', (kept, wanted) => {
    expect(offered(kept)).toEqual(wanted);
  });
});

describe('tidy', () => {
  it.each([
    ['totp', ' 123 456\n', '123456'],
    ['otp', '123-456', '123456'],
    ['backup', 'aB3dE-fG7hI', 'aB3dE-fG7hI'],
    ['backup', ' aB3dEfG7hI ', 'aB3dE-fG7hI'],
    ['backup', 'aB3dE – fG7hI', 'aB3dE-fG7hI'],
    ['backup', 'aB3dE', 'aB3dE']
  ] as const)('reads a code of %s typed as %j', (method, typed, wanted) => {
    expect(tidy(method, typed)).toBe(wanted);
  });
});

describe('codeFault', () => {
  const text = (...of: Parameters<typeof codeFault>) => codeFault(...of)?.text(en) ?? null;

  it.each([
    ['totp', '', en.fields.codeMissing],
    ['totp', ' - ', en.fields.codeMissing],
    ['totp', '12345', en.fields.codeWrong],
    ['otp', '12345a', en.fields.codeWrong],
    ['otp', '12 34 56', null],
    ['backup', '123456', en.fields.backupCodeWrong],
    ['backup', 'aB3dEfG7hI', null]
  ] as const)('judges a code of %s typed as %j', (method, typed, wanted) => {
    expect(text('code', method, typed)).toBe(wanted);
  });
});

it('knows which refusals end the sign-in', () => {
  expect(isOver(null)).toBe(false);
  expect(isOver({ code: 'INVALID_CODE' })).toBe(false);
  expect(isOver({ code: 'INVALID_TWO_FACTOR_COOKIE' })).toBe(true);
  expect(isOver({ code: 'TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE' })).toBe(true);
});

it('tells off from not offered', () => {
  expect(isOn({})).toBeNull();
  expect(isOn({ twoFactorEnabled: false })).toBe(false);
  expect(isOn({ twoFactorEnabled: true })).toBe(true);
});

it('shows the key in groups', () => {
  expect(keyOf('otpauth://totp/Codex:ada%40example.test?secret=ABCDEFGHIJ&issuer=Codex&digits=6&period=30')).toBe('ABCD EFGH IJ');
  expect(keyOf('otpauth://totp/Codex?secret=ABCDEFGH')).toBe('ABCD EFGH');
});
