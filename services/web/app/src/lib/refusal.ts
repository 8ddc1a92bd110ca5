/** One field that was refused; pointer is a JSON pointer such as "/name". */
export type Field = { pointer: string; detail: string };

/**
 * Refusal is the one error that a call to Codex ends in: what a service refused,
 * or that it could not be reached (status 0, code OFFLINE).
 */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  /** Seconds to wait, when the service named them. */
  readonly retryAfter: number | null;
  /** The id under which operators find this request. */
  readonly requestId: string | null;
  readonly fields: Field[];

  constructor(of: {
    status: number;
    code: string;
    message?: string;
    retryAfter?: number | null;
    requestId?: string | null;
    fields?: Field[];
  }) {
    super(of.message ?? of.code);
    this.name = 'Refusal';
    this.status = of.status;
    this.code = of.code;
    this.retryAfter = of.retryAfter ?? null;
    this.requestId = of.requestId ?? null;
    this.fields = of.fields ?? [];
  }

  static offline(): Refusal {
    return new Refusal({ status: 0, code: 'OFFLINE' });
  }

  /** of makes a Refusal of anything that was thrown. */
  static of(thrown: unknown): Refusal {
    if (thrown instanceof Refusal) return thrown;
    return new Refusal({ status: 0, code: 'UNKNOWN', message: String(thrown) });
  }
}

// Codes for answers that carry none, by what their status means to a person.
const byStatus: Record<number, string> = {
  401: 'UNAUTHORIZED',
  413: 'FILE_TOO_LARGE',
  429: 'RATE_LIMITED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE'
};

type Headers = { get(name: string): string | null };

/**
 * fromAnswer reads a refusal from a status, headers and a body of either shape:
 * RFC 9457 with code and request_id, or {code, message} on /api/auth.
 */
export function fromAnswer(status: number, headers: Headers, body: unknown): Refusal {
  const it = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
  return new Refusal({
    status,
    code: text(it.code) ?? byStatus[status] ?? 'UNKNOWN',
    message: text(it.detail) ?? text(it.message) ?? text(it.title) ?? undefined,
    retryAfter: seconds(headers.get('retry-after') ?? headers.get('x-retry-after')),
    requestId: text(it.request_id) ?? headers.get('x-request-id'),
    fields: Array.isArray(it.errors) ? it.errors.filter(isField) : []
  });
}

function isField(value: unknown): value is Field {
  const it = value as Partial<Field> | null;
  return typeof it?.pointer === 'string' && typeof it.detail === 'string';
}

// Retry-After is a number of seconds or a date (RFC 9110, 10.2.3).
function seconds(text: string | null): number | null {
  if (text === null || text.trim() === '') return null;
  const n = Number(text);
  if (Number.isFinite(n)) return Math.max(0, Math.ceil(n));
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}
