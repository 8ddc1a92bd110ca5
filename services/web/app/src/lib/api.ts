import { Refusal, fromAnswer } from './refusal';
import type { Checkout, Page, Payment, Plan, PlanOffer, Quota, StoredFile } from './types';

/** Order of a list of files. */
export type Sort = 'created' | 'name';

/** api holds every call to the storage and billing services. Each throws a Refusal. */
export const api = {
  quota: () => get<Quota>('/api/storage/v1/quota'),
  files: (query: { limit?: number; cursor?: string | null; sort?: Sort } = {}) =>
    get<Page<StoredFile>>(`/api/storage/v1/files${search(query)}`),
  rename: (id: string, name: string) =>
    send<StoredFile>('PATCH', `/api/storage/v1/files/${encodeURIComponent(id)}`, { name }),
  remove: (id: string) => send<null>('DELETE', `/api/storage/v1/files/${encodeURIComponent(id)}`),

  plans: async () => (await get<{ items: PlanOffer[] }>('/api/billing/v1/plans')).items,
  plan: () => get<Plan>('/api/billing/v1/plan'),
  payments: (query: { limit?: number; cursor?: string | null } = {}) =>
    get<Page<Payment>>(`/api/billing/v1/payments${search(query)}`),
  checkout: (plan: string) => send<{ id: string; url: string }>('POST', '/api/billing/v1/checkout', { plan }),
  checkoutState: (id: string) => get<Checkout>(`/api/billing/v1/checkout/${encodeURIComponent(id)}`),
  portal: () => send<{ url: string }>('POST', '/api/billing/v1/portal', {})
};

/** uploadAddress is where a new file's bytes go. */
export const uploadAddress = (name: string) => `/api/storage/v1/files${search({ name })}`;

/** contentAddress is where a file's bytes come from. */
export const contentAddress = (id: string) => `/api/storage/v1/files/${encodeURIComponent(id)}/content`;

/** onUnauthorized is told when a call found that nobody is signed in any more. */
export const onUnauthorized = new Set<() => void>();

const get = <T>(path: string) => call<T>(path, { method: 'GET' });

function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  if (body === undefined) return call<T>(path, { method });
  return call<T>(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body)
  });
}

async function call<T>(path: string, init: RequestInit): Promise<T> {
  const answer = await reach(path, init);
  const body = await json(answer);
  if (answer.ok) return body as T;
  if (answer.status === 401) onUnauthorized.forEach((tell) => tell());
  throw fromAnswer(answer.status, answer.headers, body);
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init });
  } catch {
    throw Refusal.offline();
  }
}

async function json(answer: Response): Promise<unknown> {
  if (answer.status === 204) return null;
  try {
    return await answer.json();
  } catch {
    if (answer.ok) throw new Refusal({ status: answer.status, code: 'UNKNOWN', message: 'not JSON' });
    return null; // a proxy's own page: the status says enough
  }
}

function search(query: Record<string, string | number | null | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) params.set(name, String(value));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
