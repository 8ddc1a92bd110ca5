package stripe_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/stripetest"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

const (
	oldSecret = "whsec_old"
	newSecret = "whsec_new"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func signatures(t *testing.T) *stripe.Signatures {
	t.Helper()
	s, err := stripe.NewSignatures([]string{newSecret, oldSecret}, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerify(t *testing.T) {
	t.Parallel()
	body := []byte(`{"id":"evt_1","amount":100}`)
	v1 := func(secret string) string { return stripetest.Signature(secret, noon, body) }
	stamp := fmt.Sprintf("t=%d", noon.Unix())
	shifted := func(by time.Duration) string { return stripetest.Sign(newSecret, noon.Add(by), body) }
	for name, tc := range map[string]struct {
		header string
		body   string
		want   error
		secret int
	}{
		"signed":                          {shifted(0), "", nil, 1},
		"signed with the second secret":   {stripetest.Sign(oldSecret, noon, body), "", nil, 2},
		"signed with no secret of ours":   {stripetest.Sign("whsec_other", noon, body), "", stripe.ErrWrongSignature, 0},
		"signed with the empty secret":    {stripetest.Sign("", noon, body), "", stripe.ErrWrongSignature, 0},
		"one byte of the body flipped":    {shifted(0), `{"id":"evt_1","amount":900}`, stripe.ErrWrongSignature, 0},
		"members in another order":        {shifted(0), `{"amount":100,"id":"evt_1"}`, stripe.ErrWrongSignature, 0},
		"another time than was signed":    {fmt.Sprintf("t=%d,v1=%s", noon.Unix()+1, v1(newSecret)), "", stripe.ErrWrongSignature, 0},
		"one digit of the signature off":  {strings.Replace(shifted(0), "v1="+v1(newSecret)[:1], "v1="+flip(v1(newSecret)[0]), 1), "", stripe.ErrWrongSignature, 0},
		"300 s old":                       {shifted(-300 * time.Second), "", nil, 1},
		"299 s old":                       {shifted(-299 * time.Second), "", nil, 1},
		"301 s old":                       {shifted(-301 * time.Second), "", stripe.ErrTooOld, 0},
		"299 s ahead":                     {shifted(299 * time.Second), "", nil, 1},
		"301 s ahead":                     {shifted(301 * time.Second), "", stripe.ErrInFuture, 0},
		"wrong, then right":               {stamp + ",v1=" + v1("x") + ",v1=" + v1(oldSecret), "", nil, 2},
		"right beside a broken one":       {stamp + ",v1=zz,v1=" + v1(newSecret), "", nil, 1},
		"v0 beside v1":                    {stamp + ",v0=" + v1("x") + ",v1=" + v1(newSecret), "", nil, 1},
		"v0 only":                         {stamp + ",v0=" + v1(newSecret), "", stripe.ErrMalformed, 0},
		"unknown schemes are skipped":     {stamp + ",v2=abc,junk,v1=" + v1(newSecret), "", nil, 1},
		"no time":                         {"v1=" + v1(newSecret), "", stripe.ErrMalformed, 0},
		"two times":                       {stamp + "," + stamp + ",v1=" + v1(newSecret), "", stripe.ErrMalformed, 0},
		"time with a sign":                {"t=+" + stamp[2:] + ",v1=" + v1(newSecret), "", stripe.ErrMalformed, 0},
		"time beyond all numbers":         {"t=99999999999999999999,v1=" + v1(newSecret), "", stripe.ErrMalformed, 0},
		"no signature":                    {stamp, "", stripe.ErrMalformed, 0},
		"empty signature":                 {stamp + ",v1=", "", stripe.ErrMalformed, 0},
		"half a signature":                {stamp + ",v1=" + v1(newSecret)[:32], "", stripe.ErrMalformed, 0},
		"more signatures than Stripe has": {stamp + strings.Repeat(",v1="+v1(newSecret), 17), "", stripe.ErrMalformed, 0},
		"a header without end":            {stamp + ",v1=" + v1(newSecret) + strings.Repeat(",x=y", 2000), "", stripe.ErrMalformed, 0},
		"no header":                       {"", "", stripe.ErrUnsigned, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.body == "" {
				tc.body = string(body)
			}
			secret, err := signatures(t).Verify(tc.header, []byte(tc.body))
			if !errors.Is(err, tc.want) || secret != tc.secret {
				t.Errorf("Verify = secret %d, %v; want secret %d, %v", secret, err, tc.secret, tc.want)
			}
		})
	}
}

func flip(digit byte) string {
	if digit == '0' {
		return "1"
	}
	return "0"
}

func TestNewSignatures_refusesAnEmptySecret(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]string{"none": nil, "empty": {""}, "blank beside a good one": {newSecret, " "}} {
		if _, err := stripe.NewSignatures(secrets, time.Now); err == nil {
			t.Errorf("%s: accepted, anybody could sign", name)
		}
	}
}

func FuzzVerify(f *testing.F) {
	body := []byte(`{}`)
	f.Add(stripetest.Sign(newSecret, noon, body))
	f.Add("t=1,v1=00,v0=11")
	f.Add("t=,v1=,,=,")
	s, err := stripe.NewSignatures([]string{"whsec_nobody_signs_with_this"}, func() time.Time { return noon })
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if _, err := s.Verify(header, body); err == nil {
			t.Errorf("header %q was accepted", header)
		}
	})
}
