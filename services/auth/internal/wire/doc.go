// Package wire owns the form in which the service speaks: that of the
// better-auth 1.7 clients. It knows how a body is read and refused, how an
// error, a moment and an answer look, and nothing of what they mean.
package wire
