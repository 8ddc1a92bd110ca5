import { describe, expect, it } from 'vitest';
import { emailFault, fileNameFault, nameFault, newPasswordFault } from './checks';
import { en } from './i18n/en';

const text = (fault: ReturnType<typeof nameFault>) => fault?.text(en) ?? null;

describe('newPasswordFault', () => {
  it.each([
    ['', en.fields.passwordMissing],
    ['1234567', en.fields.passwordShort],
    ['12345678', null],
    ['🔑🔑🔑🔑', en.fields.passwordShort],
    ['🔑🔑🔑🔑🔑🔑🔑🔑', null],
    ['x'.repeat(128), null],
    ['x'.repeat(129), en.fields.passwordLong]
  ])('judges %j', (password, wanted) => {
    expect(text(newPasswordFault('p', password))).toBe(wanted);
  });
});

describe('emailFault', () => {
  it.each(['', '  ', 'ada', 'ada@', '@example.com', 'ada@example', 'a da@example.com'])('refuses %j', (email) => {
    expect(emailFault('e', email)).not.toBeNull();
  });
  it.each(['ada@example.com', ' ada+files@mail.example.co.uk ', 'ä@münchen.example'])('takes %j', (email) => {
    expect(emailFault('e', email)).toBeNull();
  });
});

describe('fileNameFault', () => {
  it.each(['', '  ', 'a/b', 'a\\b', 'a\u0000b', 'ä'.repeat(128)])('refuses %j', (name) => {
    expect(fileNameFault('n', name)).not.toBeNull();
  });
  it.each(['a.txt', 'Grüße aus Köln.pdf', 'ä'.repeat(127)])('takes %j', (name) => {
    expect(fileNameFault('n', name)).toBeNull();
  });
});

it('asks for a name that is more than blanks', () => {
  expect(text(nameFault('n', ' \t'))).toBe(en.fields.nameMissing);
  expect(nameFault('n', 'Ada')).toBeNull();
});
