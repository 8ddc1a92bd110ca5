// What the services answer, by the names that the app uses. The types come from
// the services' own openapi.yaml: `npm run types` writes src/lib/openapi again, and
// `npm run check` fails while it is out of date.
import type { components as billing } from './openapi/billing';
import type { components as storage } from './openapi/storage';

export type Page<T> = { items: T[]; next_cursor: string | null };

export type StoredFile = storage['schemas']['File'];
export type Quota = storage['schemas']['Quota'];

/** A plan that can be had; an amount of 0 is free. */
export type PlanOffer = billing['schemas']['Offer'];
/** The plan a person is on. */
export type Plan = billing['schemas']['CurrentPlan'];
export type Payment = billing['schemas']['Payment'];
/** A visit to the payment page. */
export type Checkout = billing['schemas']['CheckoutState'];
