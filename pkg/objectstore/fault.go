package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
)

var (
	// ErrNotFound says that there is no such object, or no such upload in parts.
	ErrNotFound = errors.New("object not found")
	// ErrNoBucket says that the bucket itself is missing: a wrong setting.
	ErrNoBucket = errors.New("bucket not found")
	// ErrBusy says that every part buffer was in use for too long.
	ErrBusy = errors.New("all part buffers are in use")
)

// SourceError is the failure of the reader that was given to Put, as opposed to
// one of the store.
type SourceError struct{ Err error }

// Error says what the reader said.
func (e *SourceError) Error() string { return "read the source: " + e.Err.Error() }

// Unwrap gives the reader's own error.
func (e *SourceError) Unwrap() error { return e.Err }

// Unavailable tells whether an error means that the store cannot be used right
// now: it is away, too slow, too busy, or broken on its own side. Refused keys
// and a missing bucket are wrong settings instead, and stay faults.
func Unavailable(err error) bool {
	var source *SourceError
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &source) {
		return false
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode != 0 {
		return passing(answer)
	}
	var network net.Error
	var request *url.Error
	return errors.As(err, &network) || errors.As(err, &request) || errors.Is(err, ErrBusy) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

// passing tells whether the answer may be another one the next time.
func passing(answer minio.ErrorResponse) bool {
	switch answer.Code {
	case "RequestTimeout": // S3 sends it with a 400
		return true
	case "ExistingObjectIsDirectory":
		// Where objects are files, writing one may meet the removal of its empty
		// folder (versitygw). No key of ours is the folder of another.
		return true
	}
	return answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests ||
		answer.StatusCode == http.StatusRequestTimeout
}

// fault wraps an error of the store and gives its plain cases a name of ours.
func fault(doing string, err error) error {
	if err == nil {
		return nil
	}
	switch minio.ToErrorResponse(err).Code {
	case minio.NoSuchBucket:
		return fmt.Errorf("%s: %w: %w", doing, ErrNoBucket, err)
	case minio.NoSuchKey, minio.NoSuchUpload:
		return fmt.Errorf("%s: %w: %w", doing, ErrNotFound, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
