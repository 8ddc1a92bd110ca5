package inbox

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	mostMails = 5000 // the oldest go first; a load test must not fill the disk
	ending    = ".eml"
	// the envelope stands before the mail, in headers that a mail program shows like any other
	fromHeader = "X-Inbox-Envelope-From: "
	toHeader   = "X-Inbox-Envelope-To: "
)

// envelope is what SMTP said beside the mail.
type envelope struct {
	from string
	to   []string
}

// store keeps mails in a folder, newest first in memory.
type store struct {
	dir string

	mu     sync.Mutex
	mails  []Message
	change chan struct{} // closed when the mails change
}

func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &store{dir: dir, change: make(chan struct{})}
	files, err := filepath.Glob(filepath.Join(dir, "*"+ending))
	if err != nil {
		return nil, err
	}
	slices.Sort(files) // names begin with the time
	for _, f := range slices.Backward(files) {
		if m, err := load(f); err == nil {
			s.mails = append(s.mails, m)
		}
	}
	return s, nil
}

func load(file string) (Message, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Message{}, err
	}
	id := strings.TrimSuffix(filepath.Base(file), ending)
	stamp, _, _ := strings.Cut(id, "-")
	nanos, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return Message{}, fmt.Errorf("%s: not one of ours", file)
	}
	env, mail := split(raw)
	return parse(id, time.Unix(0, nanos).UTC(), env, mail), nil
}

// add writes the file in one step, so that a reader and the next start see whole mails only.
func (s *store) add(env envelope, raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UTC()
	id := fmt.Sprintf("%d-%s", now.UnixNano(), rand.Text()[:10])
	path := s.path(id)
	content := slices.Concat([]byte(fromHeader+env.from+"\r\n"+toHeader+strings.Join(env.to, ", ")+"\r\n"), raw)
	if err := os.WriteFile(path+".part", content, 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return err
	}
	s.mails = slices.Insert(s.mails, 0, parse(id, now, env, raw))
	for _, old := range s.mails[min(len(s.mails), mostMails):] {
		os.Remove(s.path(old.ID))
	}
	s.mails = s.mails[:min(len(s.mails), mostMails)]
	s.announce()
	return nil
}

// remove deletes these mails, or all when none is named.
func (s *store) remove(ids []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	s.mails = slices.DeleteFunc(s.mails, func(m Message) bool {
		if len(ids) > 0 && !slices.Contains(ids, m.ID) {
			return false
		}
		if err := os.Remove(s.path(m.ID)); err != nil && !os.IsNotExist(err) {
			failed = err
		}
		return true
	})
	s.announce()
	return failed
}

// list returns the mails, newest first.
func (s *store) list() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

func (s *store) get(id string) (Message, bool) {
	for _, m := range s.list() {
		if m.ID == id || id == "latest" {
			return m, true
		}
	}
	return Message{}, false
}

func (s *store) path(id string) string { return filepath.Join(s.dir, id+ending) }

// changed is closed at the next change.
func (s *store) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change
}

func (s *store) announce() {
	close(s.change)
	s.change = make(chan struct{})
}

// split takes the envelope off a stored mail.
func split(raw []byte) (envelope, []byte) {
	var env envelope
	from, rest, _ := bytes.Cut(raw, []byte("\r\n"))
	to, mail, _ := bytes.Cut(rest, []byte("\r\n"))
	if !bytes.HasPrefix(from, []byte(fromHeader)) || !bytes.HasPrefix(to, []byte(toHeader)) {
		return env, raw // put there by hand
	}
	env.from = string(from[len(fromHeader):])
	if list := string(to[len(toHeader):]); list != "" {
		env.to = strings.Split(list, ", ")
	}
	return env, mail
}
