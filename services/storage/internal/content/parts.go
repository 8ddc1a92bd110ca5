package content

import (
	"crypto/rand"
	"fmt"
	"strconv"

	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/services/storage/internal/file"
)

// parts are the frames around several ranges in one answer. The boundary is
// random, so no content can contain it on purpose.
type parts struct {
	boundary string
	file     file.Record
	ranges   []objectstore.ByteRange
}

func newParts(f file.Record, ranges []objectstore.ByteRange) parts {
	return parts{boundary: rand.Text(), file: f, ranges: ranges}
}

func (p parts) contentType() string { return "multipart/byteranges; boundary=" + p.boundary }

// head is what stands before the bytes of a range.
func (p parts) head(r objectstore.ByteRange) string {
	return fmt.Sprintf("\r\n--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n",
		p.boundary, p.file.ContentType, contentRange(r, p.file.Size))
}

func (p parts) tail() string { return "\r\n--" + p.boundary + "--\r\n" }

// length is that of the whole answer, in bytes.
func (p parts) length() int64 {
	n := int64(len(p.tail()))
	for _, r := range p.ranges {
		n += int64(len(p.head(r))) + r.Length()
	}
	return n
}

func contentRange(r objectstore.ByteRange, size int64) string {
	return "bytes " + strconv.FormatInt(r.First, 10) + "-" + strconv.FormatInt(r.Last, 10) + "/" + strconv.FormatInt(size, 10)
}
