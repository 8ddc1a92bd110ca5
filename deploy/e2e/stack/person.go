package stack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Person is somebody with a browser: a jar of cookies and an origin.
type Person struct {
	Email, Password string

	dev    Dev
	client *http.Client
}

// Answer is a whole answer of the front door.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON reads the body into a value.
func (a Answer) JSON(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
}

// Visitor is a person without an account.
func Visitor(t testing.TB, dev Dev) *Person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Person{
		Email: strings.ToLower(rand.Text()) + "@example.test", Password: rand.Text(), dev: dev,
		client: &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// SignedUp is a person who signed up, opened the mail's link and is signed in.
func SignedUp(t testing.TB, dev Dev) *Person {
	t.Helper()
	p := Visitor(t, dev)
	p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/sign-up/email", map[string]string{"name": "Test Person", "email": p.Email, "password": p.Password, "callbackURL": "/dashboard"})
	link := Link(t, dev, p.Email, "/api/auth/verify-email")
	p.Want(t, http.StatusFound, http.MethodGet, link, nil)
	return p
}

// Another is the same person in another browser, signed in.
func (p *Person) Another(t testing.TB) *Person {
	t.Helper()
	other := Visitor(t, p.dev)
	other.Email, other.Password = p.Email, p.Password
	other.Want(t, http.StatusOK, http.MethodPost, "/api/auth/sign-in/email", map[string]string{"email": p.Email, "password": p.Password})
	return other
}

// Want makes a request and ends the test on any other status.
func (p *Person) Want(t testing.TB, status int, method, target string, body any) Answer {
	t.Helper()
	answer := p.Do(t, method, target, body)
	if answer.Status != status {
		t.Fatalf("%s %s: %d %s, want %d", method, target, answer.Status, answer.Body, status)
	}
	return answer
}

// Do makes a request at the front door, or at an absolute address. A body that
// is a reader or bytes goes as it is; anything else as JSON.
func (p *Person) Do(t testing.TB, method, target string, body any, header ...string) Answer {
	t.Helper()
	request := p.Request(t, method, target, body)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := p.Send(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return answer
}

// Request builds what Do sends.
func (p *Person) Request(t testing.TB, method, target string, body any) *http.Request {
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = p.dev.PublicURL + target
	}
	reader, kind := encode(t, body)
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, target, reader)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if method != http.MethodGet && method != http.MethodHead {
		request.Header.Set("Origin", p.dev.PublicURL)
	}
	return request
}

// Send makes a request with the person's cookies.
func (p *Person) Send(request *http.Request) (Answer, error) {
	answer, err := p.client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return Answer{answer.StatusCode, answer.Header, content}, err
}

func encode(t testing.TB, body any) (io.Reader, string) {
	t.Helper()
	switch content := body.(type) {
	case nil:
		return nil, ""
	case io.Reader:
		return content, "application/octet-stream"
	case []byte:
		return bytes.NewReader(content), "application/octet-stream"
	}
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(content), "application/json"
}

// Cookie is the value of a cookie that the front door has set.
func (p *Person) Cookie(t testing.TB, name string) string {
	t.Helper()
	address, err := url.Parse(p.dev.PublicURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range p.client.Jar.Cookies(address) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

var href = regexp.MustCompile(`https?://[^\s"<>]+`)

// Link waits for a mail to the address and returns the first link in it whose
// path begins with prefix.
func Link(t testing.TB, dev Dev, to, prefix string) string {
	t.Helper()
	return LinkWithin(t, dev, to, prefix, 15*time.Second)
}

// LinkWithin is Link with a longer patience, for mails that had to wait.
func LinkWithin(t testing.TB, dev Dev, to, prefix string, limit time.Duration) string {
	t.Helper()
	var found string
	Eventually(t, limit, fmt.Sprintf("a mail to %s with a link to %s", to, prefix), func() bool {
		for _, text := range mails(t, dev, to) {
			for _, link := range href.FindAllString(text, -1) {
				if address, err := url.Parse(link); err == nil && strings.HasPrefix(address.Path, prefix) {
					found = link
					return true
				}
			}
		}
		return false
	})
	return found
}

// mails are the texts of all mails to an address, newest first.
func mails(t testing.TB, dev Dev, to string) []string {
	t.Helper()
	var list struct{ Messages []struct{ ID string } }
	get(t, dev.Inbox.URL+"/api/v1/search?query="+url.QueryEscape("to:"+to), &list)
	var texts []string
	for _, message := range list.Messages {
		var whole struct{ Text string }
		get(t, dev.Inbox.URL+"/api/v1/message/"+message.ID, &whole)
		texts = append(texts, whole.Text)
	}
	return texts
}

func get(t testing.TB, address string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatalf("%s: %s: %v", address, answer.Status, err)
	}
}

// Eventually waits until something is so, and ends the test when it never is.
func Eventually(t testing.TB, limit time.Duration, what string, so func() bool) {
	t.Helper()
	end := time.NewTimer(limit)
	defer end.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-end.C:
			t.Fatalf("waited %s for %s", limit, what)
		case <-look.C:
		}
	}
}
