import { attempt, auth } from './auth';
import type { Fault } from './form.svelte';

/** The kinds of codes that are taken after the password, the best one first. */
export const methods = ['totp', 'otp', 'backup'] as const;
export type Method = (typeof methods)[number];

/** offered gives the kinds that were kept of a sign-in; all of them when none were. */
export function offered(kept: string): Method[] {
  const named = kept.split(',');
  return methods.filter((method) => kept === '' || named.includes(method));
}

/** doors name the address of each kind below /api/auth. */
export const doors: Record<Method, string> = {
  totp: '/two-factor/verify-totp',
  otp: '/two-factor/verify-otp',
  backup: '/two-factor/verify-backup-code'
};

/**
 * tidy gives a code as the service knows it, however it was typed or pasted. The
 * letters of a backup code stay as they are: large and small ones differ.
 */
export function tidy(method: Method, typed: string): string {
  const bare = typed.replace(/[\s\u00ad\u2010-\u2015-]/g, '');
  return method === 'backup' && bare.length === 10 ? `${bare.slice(0, 5)}-${bare.slice(5)}` : bare;
}

/** codeFault says what is missing of a code before the service is asked: a wrong one costs a try. */
export function codeFault(id: string, method: Method, typed: string): Fault | null {
  const code = tidy(method, typed);
  if (code === '') return { id, text: (t) => t.fields.codeMissing };
  if (method === 'backup') return /^\w{5}-\w{5}$/.test(code) ? null : { id, text: (t) => t.fields.backupCodeWrong };
  return /^\d{6}$/.test(code) ? null : { id, text: (t) => t.fields.codeWrong };
}

// After these nothing but the password helps.
const endings = new Set(['INVALID_TWO_FACTOR_COOKIE', 'TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE']);

/** isOver tells whether a refusal ended the sign-in that the code was for. */
export const isOver = (refusal: { code: string } | null): boolean => refusal !== null && endings.has(refusal.code);

/** isOn tells whether a person uses a second factor, null where the service offers none. */
export function isOn(user: object): boolean | null {
  return 'twoFactorEnabled' in user ? user.twoFactorEnabled === true : null;
}

function post<T>(path: string, body: object): Promise<T> {
  return attempt<T>((options) => auth.$fetch<T>(path, { method: 'POST', body, ...options }));
}

/** verify gives a code; when it is right, the browser is signed in. */
export const verify = (method: Method, typed: string, trustDevice: boolean) =>
  post(doors[method], { code: tidy(method, typed), trustDevice });

/** send mails a code. */
export const send = () => post('/two-factor/send-otp', {});

/** Enrolment is an authenticator that counts once a code of it was given. */
export type Enrolment = { totpURI: string; backupCodes: string[] };

// Who has no password gives none; the service then wants a sign-in of just now.
const proof = (password: string) => (password === '' ? {} : { password });

/** enrol begins to use an authenticator. */
export const enrol = (password: string) => post<Enrolment>('/two-factor/enable', { ...proof(password), method: 'totp' });

/** newBackupCodes replaces all backup codes. */
export const newBackupCodes = async (password: string) =>
  (await post<{ backupCodes: string[] }>('/two-factor/generate-backup-codes', proof(password))).backupCodes;

/** turnOff ends the second factor. */
export const turnOff = (password: string) => post('/two-factor/disable', proof(password));

/** keyOf gives the key in an authenticator's address, in groups that can be typed. */
export function keyOf(totpURI: string): string {
  const secret = new URL(totpURI).searchParams.get('secret') ?? '';
  return secret.replace(/.{4}(?=.)/g, '$& ');
}
