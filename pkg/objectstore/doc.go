// Package objectstore owns the way to an S3-compatible bucket: it writes, reads,
// lists and deletes objects with memory that does not grow with their size.
//
// It knows no table and no user. Keys are made by its callers, are random and are
// written once, so nothing here depends on overwriting, versions, lifecycle rules
// or checksum trailers, which stores implement differently or not at all.
//
// What happens when the store misbehaves:
//
//   - It is down, slow or full: a call without a streamed body is tried three
//     times within about two seconds, a silent connection is given up after a
//     minute, and Unavailable says so. Open does not need it.
//   - It refuses a small object, or a part of a large one: that is sent again
//     from its buffer. Objects in between are streamed without one, and are not.
//   - The reader of a Put fails or ends early: nothing is published, the parts
//     that were sent are removed, and the error is a SourceError, so that the
//     fault of a client is never taken for one of the store.
package objectstore
