// Package mail owns letters to people: composing them from templates in the
// reader's language, and handing them to an SMTP server.
//
// Sending is one attempt: whoever calls decides about trying again (services
// send from jobs). The Message-ID is derived from the message's own id, so that
// a letter that was sent twice after a crash is one letter to the reader's
// program. Links come in as finished values; the package knows no address of
// ours and reads no request.
package mail
