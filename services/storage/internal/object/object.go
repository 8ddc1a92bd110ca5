// Package object owns the objects behind files: their keys, and their removal
// when nothing refers to them any more.
package object

import "github.com/google/uuid"

// NewKey makes the key of a new object: b/<2 hex>/<uuid>. It is random and made
// here, so a name that a client sends is never part of a path (STO-02), no key is
// a prefix of another, and listings can be cut into 256 shards.
func NewKey() string {
	id := uuid.NewString()
	return "b/" + id[:2] + "/" + id
}
