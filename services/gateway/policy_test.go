package main

import (
	"net/http"
	"testing"
	"time"
)

func TestHeader_tellsThatAClassGoes(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	class{
		deprecated: time.Unix(1700000000, 0), sunset: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), successor: "/api/storage/v2",
	}.deprecate(h)
	if h.Get("Deprecation") != "@1700000000" || h.Get("Sunset") != "Sat, 02 Jan 2027 03:04:05 GMT" || h.Get("Link") != `</api/storage/v2>; rel="successor-version"` {
		t.Errorf("%v", h)
	}
	h = http.Header{}
	if (class{}).deprecate(h); len(h) != 0 {
		t.Errorf("a class that stays: %v", h)
	}
}
