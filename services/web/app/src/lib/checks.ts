import type { Fault } from './form.svelte';
import { fault as passwordFault, looksLikeAddress } from './password';

// What a form says before it asks the service. Null is fine.

export function nameFault(id: string, name: string): Fault | null {
  return name.trim() === '' ? { id, text: (t) => t.fields.nameMissing } : null;
}

export function emailFault(id: string, email: string): Fault | null {
  if (email.trim() === '') return { id, text: (t) => t.fields.emailMissing };
  return looksLikeAddress(email) ? null : { id, text: (t) => t.fields.emailWrong };
}

/** passwordMissing is for a password that exists: only the service knows whether it is right. */
export function passwordMissing(id: string, password: string): Fault | null {
  return password === '' ? { id, text: (t) => t.fields.passwordMissing } : null;
}

export function newPasswordFault(id: string, password: string): Fault | null {
  switch (passwordFault(password)) {
    case 'missing':
      return { id, text: (t) => t.fields.passwordMissing };
    case 'short':
      return { id, text: (t) => t.fields.passwordShort };
    case 'long':
      return { id, text: (t) => t.fields.passwordLong };
    default:
      return null;
  }
}

export function fileNameFault(id: string, name: string): Fault | null {
  const trimmed = name.trim();
  if (trimmed === '') return { id, text: (t) => t.fields.fileNameMissing };
  // eslint-disable-next-line no-control-regex -- storage refuses control characters in names
  const bad = /[/\\\u0000-\u001f\u007f]/.test(trimmed) || new TextEncoder().encode(trimmed).length > 255;
  return bad ? { id, text: (t) => t.fields.fileNameWrong } : null;
}
