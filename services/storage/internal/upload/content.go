package upload

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/codex-platform/codex/services/storage/internal/kind"
)

const (
	// peek is how far we look ahead: enough to know the kind of the file, and the
	// exact length of a small one whose length was not declared.
	peek = 64 << 10
	// The steps in which room is reserved for a length that nobody knows: small
	// ones first, so that parallel uploads do not take what others need.
	firstStep = 256 << 10
	lastStep  = 8 << 20
)

// content is the body of an upload on its way to the store. It counts what
// arrives, whatever was declared, and makes sure that room is reserved for every
// byte before it is passed on (STO-05).
type content struct {
	body     io.Reader
	declared int64 // -1 when unknown
	limit    int64 // of any file
	granted  int64 // how many bytes there is room for
	step     int64
	more     func(need, want int64) (granted int64, err error)

	ahead  *bufio.Reader
	hash   hash.Hash
	active *kind.Active
	count  int64
}

// begin looks at the first bytes and decides the media type, or refuses it. It
// finds out the length of a body that is shorter than it looks ahead.
func (c *content) begin(name, stated string) (contentType string, err error) {
	c.ahead, c.hash, c.step = bufio.NewReaderSize(c.body, peek), sha256.New(), firstStep
	far := kind.HeadSize
	if c.declared < 0 {
		far = peek
	}
	head, err := c.ahead.Peek(far)
	switch {
	case errors.Is(err, io.EOF):
		if c.declared < 0 {
			c.declared, c.step = int64(len(head)), int64(len(head))
		}
	case err != nil:
		return "", err
	}
	contentType, err = kind.Of(name, stated, head)
	c.active = kind.Watch(contentType)
	return contentType, err
}

// Read passes bytes on.
func (c *content) Read(p []byte) (int, error) {
	n, err := c.ahead.Read(p)
	c.count += int64(n)
	if c.count > c.limit {
		return 0, ErrTooLarge
	}
	if c.active.In(p[:n]) {
		return 0, kind.ErrActive
	}
	if need := c.count - c.granted; need > 0 {
		got, err := c.more(need, c.step)
		if err != nil {
			return 0, err
		}
		c.granted += got
		c.step = min(2*c.step, lastStep)
	}
	c.hash.Write(p[:n])
	return n, err
}

// sum is the SHA-256 of what was read.
func (c *content) sum() []byte { return c.hash.Sum(nil) }
