package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// certificateEvery is how often the files of the certificate are looked at.
const certificateEvery = time.Minute

// keyPair is what TLS_CERT_FILE and TLS_KEY_FILE hold. It follows the files: a
// certificate is renewed more often than a gateway is rolled.
type keyPair struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	pair atomic.Pointer[tls.Certificate]
	due  atomic.Int64 // when to look next, in Unix nanoseconds

	mu       sync.Mutex
	modified [2]time.Time
}

// loadKeyPair reads the files once; what they hold later is read when it is
// asked for.
func loadKeyPair(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*keyPair, error) {
	c := &keyPair{certFile: certFile, keyFile: keyFile, now: now, log: log}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("TLS_CERT_FILE: %w", err)
	}
	c.due.Store(now().Add(certificateEvery).UnixNano())
	return c, nil
}

// config is for the public listener.
func (c *keyPair) config() *tls.Config {
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
}

// get gives the certificate of a handshake. Files that cannot be used change
// nothing but the log: the certificate in use may still be good.
func (c *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := c.now().UnixNano()
	due := c.due.Load()
	late := now >= due || due-now > int64(certificateEvery) // the clock was put back
	if late && c.due.CompareAndSwap(due, now+int64(certificateEvery)) {
		if err := c.read(); err != nil {
			c.log.ErrorContext(context.Background(), "the new certificate cannot be used: the old one stays", "err", err)
		}
	}
	return c.pair.Load(), nil
}

func (c *keyPair) read() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var modified [2]time.Time
	for i, name := range []string{c.certFile, c.keyFile} {
		about, err := os.Stat(name)
		if err != nil {
			return err
		}
		modified[i] = about.ModTime()
	}
	if modified == c.modified {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.pair.Store(&pair)
	c.modified = modified
	return nil
}
