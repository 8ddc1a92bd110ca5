// Package stripe owns everything that is Stripe's: the calls, the names and
// constants of its API, the signature of its events and the shape of its
// objects. No other package of the service imports stripe-go, so moving on from
// its version 76 (API version 2023-10-16) is work in this folder alone.
//
// stripe-go is used to call, never to decode what an event carries: an event
// comes in the shape of the API version that its endpoint was made with, and
// stripe-go turns the members that a newer version has moved into silent zeros.
// Decode reads the old place, then the new one, and says when a fact that we
// need is in neither; the object is then fetched, which pins the version.
//
// What happens when Stripe misbehaves: it is down, slow (10 s) or sheds load:
// calls fail with ErrUnavailable, a 503 for people and a later attempt for jobs;
// stripe-go itself repeats a call twice, under one idempotency key. It refuses a
// call: that is our mistake and a fault. It sends an event twice, late or out of
// order: see the packages inbox and projection.
package stripe
