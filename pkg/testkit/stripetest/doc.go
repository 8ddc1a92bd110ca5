// Package stripetest is a stand-in for Stripe: a stateful HTTP server that the
// unmodified stripe-go client talks to by its backend URL. The launcher of
// `make dev` and the tests of the webhook service use it.
//
// It speaks API version 2023-10-16 as far as Codex uses it: customers, products,
// prices, checkout sessions with a page to pay on, subscriptions, invoices,
// payment intents, charges, disputes, events, webhook endpoints and the
// customer portal. A parameter that it does not know is refused, as Stripe does,
// so that a mistake in a call shows here already.
//
// Every change is an event, sent to the configured endpoint signed as Stripe
// signs, in order, again and again for a bounded number of times until it is
// accepted. The clock is a setting; the state may be kept in a file, so that a
// restart of the development environment does not lose the demo user's plan.
package stripetest
