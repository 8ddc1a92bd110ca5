import type { Dictionary } from './i18n/en';
import type { Refusal } from './refusal';

/** explain says in a person's words why something was refused. */
export function explain(refusal: Refusal, t: Dictionary): string {
  if (Object.hasOwn(t.errors, refusal.code)) return text(t, refusal.code);
  if (refusal.status === 429) return text(t, 'RATE_LIMITED');
  return refusal.status >= 502 ? text(t, 'UNAVAILABLE') : text(t, 'UNKNOWN');
}

/** reference is the line an operator needs, for faults that are ours. */
export function reference(refusal: Refusal, t: Dictionary): string | null {
  return refusal.status >= 500 && refusal.requestId !== null ? t.common.reference(refusal.requestId) : null;
}

const text = (t: Dictionary, code: string) => t.errors[code] ?? '';
