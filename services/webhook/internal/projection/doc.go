// Package projection owns the billing state that follows from events: customers,
// prices, subscriptions, invoices, payments, charges, disputes and checkouts, each
// in the newest state that is known.
//
// Events come late, twice and in any order. For every object a guard remembers in
// which seconds of Stripe's clock its state was true; an event from before is
// dropped, one from after is applied, and within one second the kinds of the
// events, ends of life and numbers that only grow decide (judge). What they cannot
// decide, and what an event of another API version does not tell, makes the object
// dirty: a job asks Stripe for it. So whatever the order, the state converges to
// Stripe's own (WH-04).
//
// All of it happens in the transaction that marks the events as done: the state of
// the objects, the plan that follows for their owners, and the jobs that tell
// others. There are no foreign keys between the objects, which may become known in
// any order. Rows are locked in the order of their ids, guards first, plans last.
//
// What happens when Stripe cannot be asked: dirty objects stay as they are, the
// jobs are tried again for a week, and a sweep finds what was given up.
package projection
