package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// authPath is where the contract's paths begin.
const authPath = "/api/auth"

// peopleCount is how many sign up.
const peopleCount = 64

// people are signed up at one server.
type people struct {
	password string
	cookies  string // a file with one Cookie line for each one's session
}

func emailOf(i int) string { return fmt.Sprintf("bench-%d@example.test", i%peopleCount) }

// credentials is the body of the sign-in of the i-th, counted round and round.
func (p people) credentials(i int) map[string]string {
	return map[string]string{"email": emailOf(i), "password": p.password}
}

// signUp makes people and writes their cookies into the file.
func signUp(ctx context.Context, url, cookies string) (people, error) {
	p := people{password: secret(), cookies: cookies}
	file, err := os.Create(cookies)
	if err != nil {
		return p, err
	}
	defer file.Close()
	for i := range peopleCount {
		body := p.credentials(i)
		body["name"] = "Bench"
		header, err := call(ctx, url+authPath+"/sign-up/email", body)
		if err != nil {
			return p, err
		}
		cookie, found := sessionCookie(header)
		if !found {
			return p, errors.New("sign-up: no session")
		}
		if _, err := fmt.Fprintf(file, "Cookie: %s\n", cookie); err != nil {
			return p, err
		}
	}
	return p, file.Sync()
}

// call posts JSON as the app's page would, and wants a 200.
func call(ctx context.Context, url string, body any) (http.Header, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", "http://"+publicHost)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s %s", url, answer.Status, said)
	}
	return answer.Header, err
}

func sessionCookie(header http.Header) (string, bool) {
	for _, line := range header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		if strings.HasPrefix(pair, "better-auth.session_token=") {
			return pair, true
		}
	}
	return "", false
}
