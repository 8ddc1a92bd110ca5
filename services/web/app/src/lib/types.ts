// What the services answer, as their openapi.yaml says. Times are RFC 3339 text,
// amounts are in the smallest unit of the currency.

export type Page<T> = { items: T[]; next_cursor: string | null };

export type StoredFile = {
  id: string;
  name: string;
  size: number;
  content_type: string;
  sha256: string;
  etag: string;
  created_at: string;
  updated_at: string;
};

export type Quota = {
  used_bytes: number;
  reserved_bytes: number;
  limit_bytes: number;
  plan: string;
  files: number;
  /** The largest file accepted; older services do not say. */
  max_file_bytes?: number;
};

/** A plan that can be had. Without an amount it is free. */
export type PlanOffer = {
  key: string;
  name: string;
  amount?: number | null;
  currency?: string | null;
  interval?: string | null;
  quota_bytes: number;
};

/** The plan a person is on. */
export type Plan = {
  plan: string;
  name: string;
  status: string;
  quota_bytes: number;
  current_period_end: string | null;
  cancel_at_period_end: boolean;
  version: number;
};

export type Payment = {
  id: string;
  amount: number;
  amount_refunded: number;
  currency: string;
  status: string;
  description: string | null;
  invoice_url: string | null;
  created_at: string;
};

export type Checkout = {
  id: string;
  status: 'open' | 'complete' | 'expired';
  payment_status: string;
  plan: string;
};
