// Package inbox is the mail server of development and of the tests: it takes every mail by SMTP, delivers none, keeps
// them as .eml files and shows them on a page and through the JSON API that Mailpit has.
package inbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Options say where the inbox listens and what it keeps.
type Options struct {
	Dir      string // folder of the .eml files; mails that lie there already are shown
	SMTPAddr string // "127.0.0.1:1025"; port 0 takes a free one
	HTTPAddr string // "127.0.0.1:8025"; port 0 takes a free one
}

// Server is a running inbox. It is safe for concurrent use.
type Server struct {
	store *store
	http  *http.Server
	page  net.Addr

	mu       sync.Mutex
	smtp     *smtp.Server
	listener net.Listener // of smtp, which may not have seen it yet when it is closed
	smtpAddr string       // stays the same over StopSMTP and StartSMTP
	handed   map[string]bool
}

// Start opens the folder and both listeners. Close ends it.
func Start(o Options) (*Server, error) {
	st, err := openStore(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	s := &Server{store: st, smtpAddr: o.SMTPAddr, handed: map[string]bool{}}
	l, err := net.Listen("tcp", o.HTTPAddr)
	if err != nil {
		return nil, fmt.Errorf("inbox page: %w", err)
	}
	if err := s.StartSMTP(); err != nil {
		l.Close()
		return nil, err
	}
	s.page = l.Addr()
	s.http = &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.http.Serve(l) }() // ends with Close
	return s, nil
}

// StartSMTP takes mail again after StopSMTP, at the same address.
func (s *Server) StartSMTP() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := net.Listen("tcp", s.smtpAddr)
	if err != nil {
		return fmt.Errorf("inbox SMTP: %w", err)
	}
	s.smtpAddr, s.listener = l.Addr().String(), l
	server := newSMTP(s.store)
	s.smtp = server
	go func() { _ = server.Serve(l) }() // ends with StopSMTP
	return nil
}

// StopSMTP refuses connections, as a mail server that is down. What came stays readable.
func (s *Server) StopSMTP() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener.Close()
	if err := s.smtp.Close(); err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("inbox SMTP: %w", err)
	}
	return nil
}

// SMTPURL is where to send mail to, for SMTP_URL.
func (s *Server) SMTPURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "smtp://" + s.smtpAddr
}

// URL is the address of the page and of the JSON API.
func (s *Server) URL() string { return "http://" + s.page.String() }

// Messages returns what came for an address, oldest first; all mail when it is empty.
func (s *Server) Messages(to string) []Message {
	all := s.store.list()
	mine := make([]Message, 0, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		if to == "" || all[i].isTo(to) {
			mine = append(mine, all[i])
		}
	}
	return mine
}

// Wait returns the oldest mail for an address that no Wait has returned before, and waits for one to come until the
// context ends.
func (s *Server) Wait(ctx context.Context, to string) (Message, error) {
	for {
		changed := s.store.changed()
		if m, ok := s.next(to); ok {
			return m, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Message{}, fmt.Errorf("no new mail for the address among %d mails: %w", len(s.store.list()), ctx.Err())
		}
	}
}

func (s *Server) next(to string) (Message, bool) {
	mine := s.Messages(to)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range mine {
		if !s.handed[m.ID] {
			s.handed[m.ID] = true
			return m, true
		}
	}
	return Message{}, false
}

// Close ends both listeners.
func (s *Server) Close() error {
	return errors.Join(s.StopSMTP(), s.http.Close())
}
