package objectstore

import (
	"context"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

const (
	dialTimeout = time.Second
	// silence is how long a connection may stand still while something is under
	// way: also the longest pause of a client that uploads a small file.
	silence = time.Minute
	// assembly is the same while a store makes one object of many parts. Some
	// copy all of them (5 GiB took a minute on a busy disk) and say nothing meanwhile.
	assembly = 15 * time.Minute
)

// newTransport makes connections to the store. There is no limit on the whole of
// a request, because objects may be large and clients slow.
func newTransport(silence time.Duration) http.RoundTripper {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return otelhttp.NewTransport(&http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return patient{c, silence}, nil
		},
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: silence,
		IdleConnTimeout:       5 * time.Second, // shorter than any store's: a streamed body cannot be sent again over a new connection
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		WriteBufferSize:       64 << 10,
		ReadBufferSize:        64 << 10,
		DisableCompression:    true, // an object is bytes; nothing may unpack it on the way
		ForceAttemptHTTP2:     false,
	}, otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "s3 " + r.Method }))
}

// patient is a connection that is given up when nothing moves in either
// direction for as long as its silence may last. The deadline is for both directions:
// the transport always has a read pending while it sends a body.
type patient struct {
	net.Conn
	silence time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetDeadline(time.Now().Add(p.silence)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.SetDeadline(time.Now().Add(p.silence)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}
