package openapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/gateway/internal/openapi"
)

// described is a service that describes itself and can fall silent.
type described struct {
	*httptest.Server
	asked atomic.Int32
	down  atomic.Bool
}

func describe(t *testing.T, text string) *described {
	t.Helper()
	d := &described{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		if d.down.Load() || r.URL.Path != "/openapi.json" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(d.Close)
	return d
}

// bare is a gateway that adds nothing.
func bare() openapi.Frame { return openapi.Frame{} }

const document = `{"openapi":"3.1.0","paths":{
	"/api/%[1]s/v1/things":{"get":{"operationId":"list","responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Thing"}}}},
		"default":{"content":{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}}}}},
	"/internal/v1/%[1]s":{"get":{"operationId":"hidden"}}},
	"components":{"schemas":{"Problem":{"type":"object"},"Thing":{"title":"%[1]s","items":{"$ref":"#/components/schemas/Thing"}}}}}`

func TestJoined_isOneDocumentWithoutClashes(t *testing.T) {
	t.Parallel()
	one, two := describe(t, fmt.Sprintf(document, "one")), describe(t, fmt.Sprintf(document, "two"))
	l := openapi.NewLibrary("https://app.example", http.DefaultClient, time.Now, openapi.Source{Name: "one", URL: one.URL}, openapi.Source{Name: "two", URL: two.URL})
	text, err := l.Joined(t.Context(), bare)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Servers []struct{ URL string }
		Paths   map[string]struct {
			Get struct {
				OperationID string
				Tags        []string
				Responses   map[string]struct {
					Content map[string]struct {
						Schema map[string]string
					}
				}
			}
		}
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(text.Text(), &got); err != nil {
		t.Fatal(err)
	}
	first, second := got.Paths["/api/one/v1/things"].Get, got.Paths["/api/two/v1/things"].Get
	if len(got.Paths) != 2 || got.Servers[0].URL != "https://app.example" || first.OperationID != "list" || second.OperationID != "twoList" || second.Tags[0] != "two" {
		t.Errorf("%s", text.Text())
	}
	if len(got.Components.Schemas) != 3 || got.Components.Schemas["TwoThing"]["title"] != "two" {
		t.Errorf("schemas: %v", got.Components.Schemas)
	}
	if ref := second.Responses["200"].Content["application/json"].Schema["$ref"]; ref != "#/components/schemas/TwoThing" {
		t.Errorf("two's answer refers to %s", ref)
	}
	if ref := second.Responses["default"].Content["application/problem+json"].Schema["$ref"]; ref != "#/components/schemas/Problem" {
		t.Errorf("two's problem refers to %s", ref)
	}
	if inner := got.Components.Schemas["TwoThing"]["items"]; fmt.Sprint(inner) != "map[$ref:#/components/schemas/TwoThing]" {
		t.Errorf("inside: %v", inner)
	}
}

func TestLibrary_asksSeldomAndKeepsWhatItKnew(t *testing.T) {
	t.Parallel()
	one := describe(t, `{"paths":{}}`)
	clock := testkit.NewClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	l := openapi.NewLibrary("https://app.example", http.DefaultClient, clock.Now, openapi.Source{Name: "one", URL: one.URL})
	for range 20 {
		if _, err := l.Service(t.Context(), "one", bare); err != nil {
			t.Fatal(err)
		}
	}
	if n := one.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	one.down.Store(true)
	clock.Advance(time.Hour)
	if text, err := l.Service(t.Context(), "one", bare); err != nil || !strings.Contains(string(text.Text()), `"x-stale":["one"]`) {
		t.Errorf("while it is away: %v", err)
	}
}

func TestLibrary_withoutAnyService(t *testing.T) {
	t.Parallel()
	one := describe(t, "")
	one.down.Store(true)
	l := openapi.NewLibrary("https://app.example", http.DefaultClient, time.Now, openapi.Source{Name: "one", URL: one.URL})
	if _, err := l.Joined(t.Context(), bare); !errors.Is(err, problem.Unavailable) {
		t.Errorf("Joined: %v", err)
	}
	if _, err := l.Service(t.Context(), "none", bare); !errors.Is(err, openapi.ErrUnknown) {
		t.Errorf("Service: %v", err)
	}
	half := describe(t, `{"paths":{"/api/x":{"get":{}}}}`)
	l = openapi.NewLibrary("https://app.example", http.DefaultClient, time.Now, openapi.Source{Name: "one", URL: one.URL}, openapi.Source{Name: "half", URL: half.URL})
	if text, err := l.Joined(t.Context(), bare); err != nil || !strings.Contains(string(text.Text()), `"x-missing":["one"]`) {
		t.Errorf("one of two: %v", err)
	}
}

func TestLibrary_refusesWhatIsNoDescription(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"html": "<html>", "cut": `{"paths":{`, "empty": ""} {
		one := describe(t, text)
		l := openapi.NewLibrary("https://app.example", http.DefaultClient, time.Now, openapi.Source{Name: "one", URL: one.URL})
		if _, err := l.Service(t.Context(), "one", bare); !errors.Is(err, problem.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
