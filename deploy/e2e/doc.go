// Package e2e sees the whole product from outside: the gateway's front door,
// the mails it sends, the events that Stripe would send. Nothing here imports a
// service.
package e2e
