package content

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/storage/internal/file"
)

// stall is how long a client may take to accept the next piece.
const stall = time.Minute

// send sends the whole file, one range of it, or several.
func (h *Handler) send(ctx context.Context, w http.ResponseWriter, f file.Record, ranges []objectstore.ByteRange) error {
	// The deadline belongs to the connection and would strike its next answer.
	defer func() { _ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) }()
	switch len(ranges) {
	case 0:
		return h.sendOne(ctx, w, f, nil)
	case 1:
		return h.sendOne(ctx, w, f, &ranges[0])
	}
	return h.sendSeveral(ctx, w, f, ranges)
}

// sendOne opens the object before it begins the answer, so that a store that is
// away is a 503 and not half an answer.
func (h *Handler) sendOne(ctx context.Context, w http.ResponseWriter, f file.Record, part *objectstore.ByteRange) error {
	if f.Size == 0 { // nothing to ask the store for
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		return nil
	}
	body, err := h.open(ctx, f, part)
	if err != nil {
		return err
	}
	defer body.Close()
	status, length := http.StatusOK, f.Size
	if part != nil {
		status, length = http.StatusPartialContent, part.Length()
		w.Header().Set("Content-Range", contentRange(*part, f.Size))
	}
	w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	w.WriteHeader(status)
	return pass(w, body, length)
}

// sendSeveral answers with multipart/byteranges, RFC 9110 section 14.6.
func (h *Handler) sendSeveral(ctx context.Context, w http.ResponseWriter, f file.Record, ranges []objectstore.ByteRange) error {
	first, err := h.open(ctx, f, &ranges[0])
	if err != nil {
		return err
	}
	defer first.Close()
	parts := newParts(f, ranges)
	w.Header().Set("Content-Type", parts.contentType())
	w.Header().Set("Content-Length", strconv.FormatInt(parts.length(), 10))
	w.WriteHeader(http.StatusPartialContent)
	for i, part := range ranges {
		body := first
		if i > 0 {
			if body, err = h.open(ctx, f, &part); err != nil {
				return err
			}
		}
		err := sendPart(w, parts.head(part), body, part.Length())
		body.Close()
		if err != nil {
			return err
		}
	}
	return write(w, []byte(parts.tail()))
}

func sendPart(w http.ResponseWriter, head string, body io.Reader, length int64) error {
	if err := write(w, []byte(head)); err != nil {
		return err
	}
	return pass(w, body, length)
}

// pieces are what bytes are passed on in.
var pieces = sync.Pool{New: func() any { p := make([]byte, 64<<10); return &p }}

// pass passes exactly length bytes on. An error of the store is given as it is:
// the answer has begun, so httpapi cuts the connection and nobody takes what has
// arrived for the whole. A client that hangs up is no fault.
func pass(w http.ResponseWriter, body io.Reader, length int64) error {
	piece := pieces.Get().(*[]byte)
	defer pieces.Put(piece)
	for length > 0 {
		n, err := body.Read((*piece)[:min(int64(len(*piece)), length)])
		length -= int64(n)
		if n > 0 {
			if err := write(w, (*piece)[:n]); err != nil {
				return err
			}
		}
		if err != nil && length > 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// write writes one piece, for which the client has stall to take it.
func write(w http.ResponseWriter, p []byte) error {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(stall))
	if _, err := w.Write(p); err != nil {
		return errors.Join(problem.ClientClosed, err)
	}
	return nil
}
