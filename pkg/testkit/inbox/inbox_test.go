package inbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/inbox"
)

const verify = "From: Codex <no-reply@example.com>\r\n" +
	"To: Ada <ada@example.com>\r\n" +
	"Subject: =?utf-8?q?Best=C3=A4tigen?=\r\n" +
	"Message-Id: <one@example.com>\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=cut\r\n\r\n" +
	"--cut\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"Open http://localhost:8000/verify?token=3Dab=\r\ncd.\r\n" +
	"--cut\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
	"PGEgaHJlZj0iaHR0cDovL2xvY2FsaG9zdDo4MDAwLyI+T3BlbjwvYT48c2NyaXB0PmFsZXJ0KDEpPC9zY3JpcHQ+\r\n" +
	"--cut--\r\n"

func start(t *testing.T, dir string) *inbox.Server {
	t.Helper()
	s, err := inbox.Start(inbox.Options{Dir: dir, SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func send(t *testing.T, s *inbox.Server, mail string, to ...string) {
	t.Helper()
	if err := smtp.SendMail(strings.TrimPrefix(s.SMTPURL(), "smtp://"), nil, "bounce@example.com", to, []byte(mail)); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, address string) (string, http.Header) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, res.Status, err)
	}
	return string(body), res.Header
}

func getJSON[T any](t *testing.T, address string) T {
	t.Helper()
	var v T
	body, _ := get(t, address)
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWait_readsTheMail(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()

	var m inbox.Message
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		m, err = s.Wait(ctx, "ADA@example.com")
	}()
	send(t, s, verify, "ada@example.com")
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "Bestätigen" || m.From.Address != "no-reply@example.com" || m.MessageID != "one@example.com" {
		t.Errorf("headers: %+v", m)
	}
	if links := m.Links(); len(links) != 1 || links[0] != "http://localhost:8000/verify?token=abcd" {
		t.Errorf("links: %q", links)
	}
}

func TestWait_returnsEachMailOnceInTheOrderTheyCame(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for _, subject := range []string{"first", "second"} {
		send(t, s, "To: ada@example.com\r\nSubject: "+subject+"\r\n\r\nhello\r\n", "ada@example.com")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, want := range []string{"first", "second"} {
		if m, err := s.Wait(ctx, "ada@example.com"); err != nil || m.Subject != want {
			t.Fatalf("got %q, %v, want %q", m.Subject, err, want)
		}
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if m, err := s.Wait(gone, "ada@example.com"); err == nil {
		t.Fatalf("a third mail came: %q", m.Subject)
	}
}

func TestRestart_keepsTheMails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	send(t, s, verify, "ada@example.com", "hidden@example.com")
	s.Close()

	kept := start(t, dir).Messages("hidden@example.com")

	if len(kept) != 1 || kept[0].Subject != "Bestätigen" || len(kept[0].Bcc) != 1 {
		t.Fatalf("after the restart: %+v", kept)
	}
}

func TestStopSMTP_refusesUntilStartedAgainAtTheSameAddress(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	address := strings.TrimPrefix(s.SMTPURL(), "smtp://")
	if err := s.StopSMTP(); err != nil {
		t.Fatal(err)
	}
	if err := smtp.SendMail(address, nil, "a@example.com", []string{"b@example.com"}, []byte("x")); err == nil {
		t.Fatal("a stopped server took a mail")
	}
	if err := s.StartSMTP(); err != nil {
		t.Fatal(err)
	}
	send(t, s, verify, "ada@example.com")
}

func TestAPI_isThatOfMailpit(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	send(t, s, verify, "ada@example.com")
	send(t, s, "To: bob@example.com\r\nSubject: Other\r\n\r\nhello\r\n", "bob@example.com")
	type list struct {
		Total         int `json:"total"`
		MessagesCount int `json:"messages_count"`
		Messages      []struct {
			ID      string
			Subject string
			To      []inbox.Address
		} `json:"messages"`
	}

	if got := getJSON[list](t, s.URL()+"/api/v1/messages?limit=1"); got.Total != 2 || len(got.Messages) != 1 || got.Messages[0].Subject != "Other" {
		t.Errorf("messages: %+v", got)
	}
	found := getJSON[list](t, s.URL()+`/api/v1/search?query=to:"ada@example.com"`)
	if found.MessagesCount != 1 || found.Messages[0].To[0].Address != "ada@example.com" {
		t.Fatalf("search: %+v", found)
	}
	full := getJSON[struct{ Text, HTML, ReturnPath string }](t, s.URL()+"/api/v1/message/"+found.Messages[0].ID)
	if !strings.Contains(full.Text, "token=abcd") || !strings.Contains(full.HTML, "<a href") || full.ReturnPath != "bounce@example.com" {
		t.Errorf("message: %+v", full)
	}
	req, _ := http.NewRequest(http.MethodDelete, s.URL()+"/api/v1/messages", nil)
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("delete: %v, %v", res, err)
	}
	if got := getJSON[list](t, s.URL()+"/api/v1/messages"); got.Total != 0 || got.Messages == nil {
		t.Errorf("after delete: %+v", got)
	}
}

func TestPage_showsTheMailShutIn(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	send(t, s, verify, "ada@example.com")
	id := s.Messages("")[0].ID

	if page, _ := get(t, s.URL()+"/?query=ada@example.com"); !strings.Contains(page, "/view/"+id) {
		t.Error("the list does not lead to the mail")
	}
	page, _ := get(t, s.URL()+"/view/"+id)
	for _, want := range []string{`sandbox="allow-popups`, `<a href="http://localhost:8000/verify?token=abcd"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if _, header := get(t, s.URL()+"/view/"+id+"/html"); !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") ||
		strings.Contains(header.Get("Content-Security-Policy"), "allow-scripts") {
		t.Errorf("policy of the mail: %q", header.Get("Content-Security-Policy"))
	}
}

func TestPage_answersOnLoopbackNamesOnly(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	req, _ := http.NewRequest(http.MethodGet, s.URL()+"/api/v1/messages", nil)
	req.Host = "rebound.example.com"

	res, err := http.DefaultClient.Do(req)

	if err != nil || res.StatusCode != http.StatusMisdirectedRequest {
		t.Fatalf("got %v, %v", res, err)
	}
}
