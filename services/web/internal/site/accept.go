package site

import (
	"net/http"
	"strconv"
	"strings"
)

// pick gives the smallest form that the client takes; plain when it takes no other.
func (f *file) pick(acceptEncoding string) form {
	for _, packed := range f.packed {
		if weight(acceptEncoding, packed.coding) > 0 {
			return packed
		}
	}
	return f.plain
}

// choose gives the rendering in the language that the reader likes best.
func choose(renderings map[string]*file, h http.Header) *file {
	wanted := h.Get("Accept-Language")
	best, most := renderings[languages[0]], weight(wanted, languages[0])
	for _, language := range languages[1:] {
		if f := renderings[language]; f != nil {
			if w := weight(wanted, language); w > most {
				best, most = f, w
			}
		}
	}
	return best
}

// weight gives how much an Accept-* header wants a value, 0 when not at all. A
// range such as de-AT speaks for de, and "*" for nothing: whoever takes anything
// gets the first language and the plain form. Of the same weight, what stands
// first counts more.
func weight(header, value string) float64 {
	best := 0.0
	for place, part := range splitRanges(header) {
		name, q := rangeOf(part)
		if name == value || strings.HasPrefix(name, value+"-") {
			if q == 0 {
				return 0
			}
			best = max(best, q-float64(place)*1e-6)
		}
	}
	return best
}

// maxRanges bounds what is read of a header that a client can make long.
const maxRanges = 32

func splitRanges(header string) []string {
	if header == "" {
		return nil
	}
	parts := strings.SplitN(header, ",", maxRanges+1)
	return parts[:min(len(parts), maxRanges)]
}

// rangeOf reads "de-AT;q=0.8". What cannot be read weighs nothing.
func rangeOf(part string) (name string, q float64) {
	name, params, weighted := strings.Cut(part, ";")
	name = strings.ToLower(strings.TrimSpace(name))
	if !weighted {
		return name, 1
	}
	number, found := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
	if !found {
		return name, 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(q >= 0 && q <= 1) { // the form of the test refuses NaN
		return name, 0
	}
	return name, q
}
