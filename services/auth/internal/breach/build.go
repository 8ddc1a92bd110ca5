package breach

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// DefaultBits is the size of a filter for each of its entries: about one other
// password in 700 is taken for a leaked one.
const DefaultBits = 16

// maxLine bounds a line of a list, in bytes.
const maxLine = 64 << 10

// Build is one making of a filter.
type Build struct {
	// From is a list of passwords, one a line, or of their SHA-1 in hex, with or
	// without ":count" behind it. It is read twice.
	From io.ReadSeeker
	// To is where the filter goes; it is there whole or not at all.
	To string
	// Bits for each entry; 0: DefaultBits.
	Bits int
	// Report hears which time the list is read, and how many of its bytes are.
	Report func(pass int, done int64)
}

// Run makes the filter and gives the number of its entries.
func (b Build) Run() (entries uint64, err error) {
	if b.Bits == 0 {
		b.Bits = DefaultBits
	}
	if entries, err = b.each(1, func(digest) {}); err != nil {
		return 0, err
	}
	if entries == 0 {
		return 0, errors.New("the list is empty")
	}
	blocks := (entries*uint64(b.Bits) + 8*blockSize - 1) / (8 * blockSize) //nolint:gosec // Bits is small and positive
	if blocks > maxBlocks {
		return 0, errors.New("the list is too long for a filter")
	}
	if _, err := b.From.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("read the list again: %w", err)
	}
	bits := make([]byte, blocks*blockSize)
	if _, err := b.each(2, func(d digest) {
		at := d.block(blocks) * blockSize
		d.set(bits[at : at+blockSize])
	}); err != nil {
		return 0, err
	}
	return entries, write(b.To, header(blocks, entries, crc32.Checksum(bits, castagnoli)), bits)
}

// each calls f with every entry of the list.
func (b Build) each(pass int, f func(digest)) (n uint64, err error) {
	counted := &counter{r: b.From, report: func(done int64) { b.Report(pass, done) }}
	lines := bufio.NewScanner(counted)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	for lines.Scan() {
		if d, ok := entry(bytes.TrimSuffix(lines.Bytes(), []byte("\r"))); ok {
			f(d)
			n++
		}
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("read the list, line %d: %w", n+1, err)
	}
	return n, nil
}

// hexSum is the length of a SHA-1 in hex.
const hexSum = 40

// entry reads a line: a SHA-1, a SHA-1 with a count, or else a password.
func entry(line []byte) (digest, bool) {
	if len(line) == 0 {
		return 0, false
	}
	if sum, _, _ := bytes.Cut(line, []byte(":")); len(sum) == hexSum {
		var raw [hexSum / 2]byte
		if _, err := hex.Decode(raw[:], sum); err == nil {
			return digest(binary.BigEndian.Uint64(raw[:8])), true
		}
	}
	return digestOf(line), true
}

// counter counts what is read through it.
type counter struct {
	r      io.Reader
	done   int64
	report func(int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.done += int64(n)
	c.report(c.done)
	return n, err
}

// write makes a file of these parts, beside its place first.
func write(path string, parts ...[]byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	for _, part := range parts {
		if _, err := file.Write(part); err != nil {
			return err
		}
	}
	if err := errors.Join(file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
