package password

import (
	"context"
	"errors"
	"math"
	"strings"
	"unicode"
)

// Strength is how a password that somebody is about to choose looks.
type Strength struct {
	Score  int    `json:"score" minimum:"0" maximum:"4" doc:"0: is refused; 1: weak … 4: strong"`
	Reason string `json:"reason" enum:"PASSWORD_TOO_SHORT,PASSWORD_TOO_LONG,PASSWORD_COMPROMISED,REPETITIVE,SHORT,GOOD" doc:"What to say about it"`
}

// The scores above none begin at these numbers of bits.
var steps = [...]float64{2: 40, 3: 55, 4: 70}

// Strength judges a password by the rules of Choose and by how many others are
// as simple. Leaked ones are looked up in the filter alone: the range service
// is not asked for every key that is struck.
func (p Policy) Strength(ctx context.Context, text string, about ...string) (Strength, error) {
	_, err := p.Choose(text, about...)
	for _, refusal := range []struct {
		err  error
		code string
	}{{ErrTooShort, ErrTooShort.Code}, {ErrTooLong, ErrTooLong.Code}, {ErrCompromised, ErrCompromised.Code}} {
		if errors.Is(err, refusal.err) {
			return Strength{Reason: refusal.code}, nil
		}
	}
	mounted := p.Leaks
	mounted.Online = nil
	switch leaked, err := mounted.Has(ctx, text); {
	case err != nil:
		return Strength{}, err
	case leaked:
		return Strength{Reason: ErrCompromised.Code}, nil
	}
	return judge(text), nil
}

func judge(text string) Strength {
	counted := surprising(text)
	bits := float64(counted) * math.Log2(alphabet(text))
	s := Strength{Score: 1, Reason: "GOOD"}
	for score := 2; score < len(steps); score++ {
		if bits >= steps[score] {
			s.Score = score
		}
	}
	switch all := len([]rune(text)); {
	case s.Score >= 3:
	case counted*2 <= all:
		s.Reason = "REPETITIVE"
	default:
		s.Reason = "SHORT"
	}
	return s
}

// surprising counts the characters that do not follow from the one before: not
// the same again, and not the next one up or down.
func surprising(text string) int {
	n, last := 0, rune(-2)
	seen := map[string]bool{}
	folded := []rune(strings.ToLower(text))
	for i, r := range folded {
		gap := r - last
		last = r
		if gap >= -1 && gap <= 1 {
			continue
		}
		if i >= 2 { // three that came before as they are say nothing new
			three := string(folded[i-2 : i+1])
			if seen[three] {
				continue
			}
			seen[three] = true
		}
		n++
	}
	return n
}

// alphabet guesses from how many characters somebody who guesses has to choose,
// with words counted as what they are: a letter in one says little.
func alphabet(text string) float64 {
	kinds := map[string]float64{}
	for _, r := range text {
		switch {
		case unicode.IsLower(r):
			kinds["lower"] = 10
		case unicode.IsUpper(r):
			kinds["upper"] = 10
		case unicode.IsDigit(r):
			kinds["digit"] = 10
		default:
			kinds["other"] = 12
		}
	}
	sum := 0.0
	for _, size := range kinds {
		sum += size
	}
	return math.Max(sum, 2)
}
