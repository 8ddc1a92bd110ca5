package objectstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"
)

// abortTimeout bounds the removal of an upload whose caller is gone.
const abortTimeout = 10 * time.Second

// multipart is one upload in parts. While a part is on its way to the store, the
// next one is read from the source, if there is a buffer for it.
type multipart struct {
	bucket      *Bucket
	key         string
	contentType string

	id    string
	parts []minio.CompletePart
	size  int64
}

// sending is a part on its way: done gives its outcome and the buffer is free again.
type sending struct{ done chan error }

// write sends the first part, which is full, and the rest of r; it gives the
// length of the object. It owns the buffer.
func (m *multipart) write(ctx context.Context, first *buffer, r io.Reader) (int64, error) {
	id, err := m.bucket.core.NewMultipartUpload(ctx, m.bucket.name, m.key, putOptions(m.contentType))
	if err != nil {
		m.bucket.buffers.put(first)
		return 0, fault("begin multi-part upload", err)
	}
	m.id = id
	if err = m.send(ctx, first, r); err == nil {
		err = m.complete(ctx)
	}
	if err != nil {
		return 0, errors.Join(err, m.abort(ctx))
	}
	return m.size, nil
}

func (m *multipart) send(ctx context.Context, buf *buffer, r io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := len(buf.bytes)
	for {
		last := n < len(buf.bytes)
		way := m.start(ctx, buf, n)
		var err error
		if buf, n, err = m.next(ctx, way, r, last); err != nil || buf == nil {
			return err
		}
	}
}

// start sends the part in the background and gives its buffer back afterwards.
func (m *multipart) start(ctx context.Context, buf *buffer, n int) *sending {
	way := &sending{done: make(chan error, 1)}
	m.parts = append(m.parts, minio.CompletePart{PartNumber: len(m.parts) + 1})
	part := &m.parts[len(m.parts)-1]
	m.size += int64(n)
	go func() {
		failed, err := again(ctx, func() error {
			sent, err := m.bucket.once.PutObjectPart(ctx, m.bucket.name, m.key, m.id, part.PartNumber,
				bytes.NewReader(buf.bytes[:n]), int64(n), minio.PutObjectPartOptions{DisableContentSha256: true})
			part.ETag = sent.ETag
			return fault("put part", err)
		})
		m.bucket.buffers.done(buf, failed)
		way.done <- err
	}()
	return way
}

// next reads the following part, beside the one on its way when memory allows,
// and waits for that one. There is none after the last: the buffer is nil.
func (m *multipart) next(ctx context.Context, way *sending, r io.Reader, last bool) (*buffer, int, error) {
	if last {
		return nil, 0, <-way.done
	}
	buf, beside := m.bucket.buffers.try()
	if !beside {
		if err := <-way.done; err != nil {
			return nil, 0, err
		}
		var err error
		if buf, err = m.bucket.buffers.wait(ctx); err != nil {
			return nil, 0, err
		}
	}
	n, err := readPart(r, buf.bytes)
	if beside {
		if sendErr := <-way.done; sendErr != nil {
			err = errors.Join(sendErr, err)
		}
	}
	if err != nil || n == 0 {
		m.bucket.buffers.put(buf)
		return nil, 0, err
	}
	return buf, n, nil
}

// readPart fills the buffer as far as the source goes.
func readPart(r io.Reader, p []byte) (int, error) {
	n := 0
	for n < len(p) {
		got, err := r.Read(p[n:])
		n += got
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("read part: %w", err)
		}
	}
	return n, nil
}

func (m *multipart) complete(ctx context.Context) error {
	_, err := again(ctx, func() error {
		_, err := m.bucket.patient.CompleteMultipartUpload(ctx, m.bucket.name, m.key, m.id, m.parts, minio.PutObjectOptions{})
		return fault("complete multi-part upload", err)
	})
	return err
}

// abort removes the parts, also when the caller has gone away.
func (m *multipart) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	return m.bucket.AbortMultipart(ctx, m.key, m.id)
}
