package main

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

func TestCertificate_followsItsFiles(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := certificate(t)
	newCert, newKey, _ := certificate(t)
	newestCert, newestKey, _ := certificate(t)
	now, told := time.Now(), &bytes.Buffer{}
	pair, err := loadKeyPair(certFile, keyFile, func() time.Time { return now }, slog.New(slog.NewTextHandler(told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		got, err := pair.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(got.Certificate[0])
	}
	replace := func(to, from string) {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(to, now, now); err != nil { // a file system's clock may be coarse
			t.Fatal(err)
		}
	}
	first := shown()

	now = now.Add(certificateEvery + time.Second)
	replace(certFile, newCert) // the key is not there yet
	if shown() != first || !strings.Contains(told.String(), "the old one stays") {
		t.Errorf("half of a pair is used, or nothing said: %s", told)
	}
	replace(keyFile, newKey)
	if shown() != first {
		t.Error("the files are looked at on every handshake")
	}
	now = now.Add(certificateEvery + time.Second)
	second := shown()
	if second == first {
		t.Error("the new certificate is not used")
	}
	now = now.Add(-24 * time.Hour) // the clock was wrong
	replace(certFile, newestCert)
	replace(keyFile, newestKey)
	if shown() == second {
		t.Error("a clock that is put back keeps the files from being looked at")
	}
}
