package stripe

import "strings"

// The kinds of objects that we keep, by the name that they give themselves.
const (
	KindCustomer       = "customer"
	KindPrice          = "price"
	KindSubscription   = "subscription"
	KindInvoice        = "invoice"
	KindInvoicePayment = "invoice_payment"
	KindPayment        = "payment_intent"
	KindCharge         = "charge"
	KindDispute        = "dispute"
	KindSession        = "checkout.session"
)

// paths are where objects are fetched from. An invoice payment has no address in
// our API version; it also never changes what it says.
var paths = map[string]string{
	KindCustomer:     "/v1/customers/%s",
	KindPrice:        "/v1/prices/%s",
	KindSubscription: "/v1/subscriptions/%s",
	KindInvoice:      "/v1/invoices/%s",
	KindPayment:      "/v1/payment_intents/%s",
	KindCharge:       "/v1/charges/%s",
	KindDispute:      "/v1/disputes/%s",
	KindSession:      "/v1/checkout/sessions/%s",
}

// Kept tells whether we keep objects of this kind.
func Kept(kind string) bool { return paths[kind] != "" || kind == KindInvoicePayment }

// Fetchable tells whether Stripe can be asked for an object of this kind.
func Fetchable(kind string) bool { return paths[kind] != "" }

// Rank orders the events of one object within one second, as far as their types
// tell: a creation comes first, a deletion last, and the rest is open.
type Rank int

// The ranks.
const (
	RankCreated Rank = iota
	RankChanged
	RankDeleted
)

// RankOf gives the rank of an event's type.
func RankOf(eventType string) Rank {
	switch {
	case strings.HasSuffix(eventType, ".created"):
		return RankCreated
	case strings.HasSuffix(eventType, ".deleted"):
		return RankDeleted
	}
	return RankChanged
}

// Deletes tells whether an event of this type says that its object is gone. A
// subscription that has ended is not gone: its status says it.
func Deletes(eventType string) bool {
	return eventType == "customer.deleted" || eventType == "price.deleted"
}

// The states of a subscription.
const (
	StatusActive     = "active"
	StatusTrialing   = "trialing"
	StatusPastDue    = "past_due"
	StatusUnpaid     = "unpaid"
	StatusPaused     = "paused"
	StatusIncomplete = "incomplete"
	StatusCanceled   = "canceled"
	StatusExpired    = "incomplete_expired"
)

// Live are the states in which a second subscription would be one too many: it
// runs, or it still can.
var Live = []string{StatusActive, StatusTrialing, StatusPastDue, StatusUnpaid, StatusPaused}

// The states of a checkout session.
const (
	SessionOpen     = "open"
	SessionComplete = "complete"
	SessionExpired  = "expired"
)
