package upstream

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

const (
	smallBuffer  = 4 << 10 // for each exchange
	maxLine      = 256     // of a chunk's size
	maxTrailers  = 8 << 10
	maxChunkSize = 15 // hexadecimal digits
)

// errTooLong is a head or line over its bound.
var errTooLong = errors.New("answer's header is too long")

// reader is a connection's buffer, from which heads and bodies are read without a copy.
type reader struct {
	src  io.Reader
	buf  []byte
	r, w int
	lent *[]byte // buf, where it is borrowed: only while an answer is read
	// wait is called before a read that may take time: what has been passed on is
	// flushed then; nil: nothing to do.
	wait func() error
}

func (b *reader) buffered() int { return b.w - b.r }

// fill reads once into the free part of the buffer.
func (b *reader) fill() error {
	if b.wait != nil {
		if err := b.wait(); err != nil {
			return err
		}
	}
	if b.buf == nil {
		b.borrow(&smallBuffers)
	}
	if b.r == b.w {
		b.r, b.w = 0, 0
	} else if b.w == len(b.buf) {
		b.w = copy(b.buf, b.buf[b.r:b.w])
		b.r = 0
	}
	for range 100 {
		n, err := b.src.Read(b.buf[b.w:])
		b.w += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// until gives what lies before and with the mark, at most this many bytes, and
// takes it out. It is valid until the next call.
func (b *reader) until(mark string, most int) ([]byte, error) {
	seen := 0
	for {
		part := b.buf[b.r:b.w]
		if i := bytes.Index(part[max(0, seen-len(mark)):], []byte(mark)); i >= 0 {
			end := max(0, seen-len(mark)) + i + len(mark)
			if end > most {
				return nil, errTooLong
			}
			b.r += end
			return part[:end], nil
		}
		if len(part) >= most {
			return nil, errTooLong
		}
		if seen = len(part); seen > 0 && seen == len(b.buf) {
			b.grow()
		}
		if err := b.fill(); err != nil {
			return nil, unexpected(err)
		}
	}
}

// grow makes room for a long head.
func (b *reader) grow() {
	next := make([]byte, 2*len(b.buf))
	b.w = copy(next, b.buf[b.r:b.w])
	b.giveBack()
	b.r, b.buf = 0, next
}

var (
	bigBuffers   = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}
	smallBuffers = sync.Pool{New: func() any { b := make([]byte, smallBuffer); return &b }}
)

// widen borrows a large buffer for a long body.
func (b *reader) widen() {
	if len(b.buf) < copyBuffer {
		b.borrow(&bigBuffers)
	}
}

// borrow takes a buffer in the place of the one that there is.
func (b *reader) borrow(pool *sync.Pool) {
	next, _ := pool.Get().(*[]byte)
	b.w = copy(*next, b.buf[b.r:b.w])
	b.giveBack()
	b.r, b.buf, b.lent = 0, *next, next
}

func (b *reader) giveBack() {
	switch {
	case b.lent == nil:
	case len(*b.lent) == copyBuffer:
		bigBuffers.Put(b.lent)
	default:
		smallBuffers.Put(b.lent)
	}
	b.lent = nil
}

// rest gives borrowed memory back once an answer is over.
func (b *reader) rest() {
	b.giveBack()
	b.r, b.w, b.buf, b.wait = 0, 0, nil, nil
}

// unexpected tells an end in the middle from one where it belongs.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// bodyReader gives a body piece by piece, as it lies in the buffer.
type bodyReader struct {
	in       *reader
	left     int64 // of the body or of the chunk; -1: until the connection ends
	chunked  bool
	begun    bool // a chunk has been read, and its end of line is due
	done     bool
	trailers []field
}

func (a *answer) body(in *reader, method string) bodyReader {
	b := bodyReader{in: in, left: a.length, chunked: a.chunked}
	switch {
	case a.bodiless(method), !a.chunked && a.length == 0:
		b.done = true
	case a.chunked:
		b.left = 0
	}
	return b
}

// next gives the next piece, which is valid until the next call; io.EOF at the end.
func (b *bodyReader) next() ([]byte, error) {
	if !b.done && b.chunked && b.left == 0 {
		if err := b.chunk(); err != nil {
			return nil, err
		}
	}
	if b.done {
		return nil, io.EOF
	}
	if b.in.buffered() == 0 {
		if b.left < 0 || b.left > smallBuffer || b.chunked {
			b.in.widen()
		}
		if err := b.in.fill(); err != nil {
			if b.left < 0 && errors.Is(err, io.EOF) {
				b.done = true
				return nil, io.EOF
			}
			return nil, unexpected(err)
		}
	}
	n := b.in.buffered()
	if b.left >= 0 {
		n = int(min(int64(n), b.left))
		b.left -= int64(n)
		b.done = b.left == 0 && !b.chunked
	}
	b.in.r += n
	return b.in.buf[b.in.r-n : b.in.r], nil
}

// chunk reads the size of the next one (RFC 9112 §7.1), and behind the last the trailers.
func (b *bodyReader) chunk() error {
	if b.begun {
		if end, err := b.in.until("\r\n", maxLine); err != nil {
			return err
		} else if len(end) != 2 {
			return errMalformed
		}
	}
	line, err := b.in.until("\r\n", maxLine)
	if err != nil {
		return err
	}
	b.begun = true
	if b.left, err = chunkSize(line[:len(line)-2]); err != nil || b.left > 0 {
		return err
	}
	b.done = true
	return b.readTrailers()
}

func (b *bodyReader) readTrailers() error {
	text, size := []byte(nil), 0
	for {
		line, err := b.in.until("\r\n", maxTrailers-size)
		if err != nil {
			return err
		}
		size += len(line)
		if len(line) == 2 && text == nil {
			return nil
		}
		text = append(text, line...)
		if len(line) == 2 {
			b.trailers, err = parseFields(nil, string(text))
			return err
		}
	}
}

// chunkSize reads the number before an extension, which is dropped.
func chunkSize(line []byte) (int64, error) {
	size, extension, extended := bytes.Cut(line, []byte{';'})
	if extended {
		size = bytes.TrimRight(size, " \t")
		if !plain(string(extension)) {
			return 0, errMalformed
		}
	}
	if len(size) == 0 || len(size) > maxChunkSize {
		return 0, errMalformed
	}
	var n int64
	for _, c := range size {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, errMalformed
		}
		n = n<<4 | int64(c)
	}
	return n, nil
}
