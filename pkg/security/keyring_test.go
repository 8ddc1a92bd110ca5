package security_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
)

const ringSecret = "acceptance-secret-acceptance-secret-0123456789"

func ring(t testing.TB, secrets ...string) security.Keyring {
	t.Helper()
	r, err := security.NewKeyring(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSign_isTheContractsSignature(t *testing.T) {
	t.Parallel()
	const want = "PQPKui8RmRc2t2oHdp17vy4x6vzd3aKT.JDK9kz1lz+pWLfbzcY0Ig3PD3LiBEzYQTb4BPrpz9Fo="
	got := ring(t, ringSecret).Sign("PQPKui8RmRc2t2oHdp17vy4x6vzd3aKT")
	if got != want {
		t.Errorf("Sign = %q, want %q", got, want)
	}
	if encoded := security.EncodeCookieValue(got); encoded != "PQPKui8RmRc2t2oHdp17vy4x6vzd3aKT.JDK9kz1lz%2BpWLfbzcY0Ig3PD3LiBEzYQTb4BPrpz9Fo%3D" {
		t.Errorf("in a cookie it is %q", encoded)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	older := strings.Repeat("o", 32)
	signed := ring(t, ringSecret).Sign("value")
	for name, tc := range map[string]struct {
		signed        string
		ring          security.Keyring
		stale, wanted bool
	}{
		"signed with the first secret":  {signed, ring(t, ringSecret, older), false, true},
		"signed with an older secret":   {signed, ring(t, older, ringSecret), true, true},
		"signed with a foreign secret":  {signed, ring(t, older), false, false},
		"another value":                 {"other" + signed[5:], ring(t, ringSecret), false, false},
		"no value":                      {signed[5:], ring(t, ringSecret), false, false},
		"no signature":                  {"value", ring(t, ringSecret), false, false},
		"a signature without padding":   {signed[:len(signed)-1], ring(t, ringSecret), false, false},
		"something after the signature": {signed + "=", ring(t, ringSecret), false, false},
		"other bits in the last letter": {signed[:len(signed)-2] + string(rune(signed[len(signed)-2]+1)) + "=", ring(t, ringSecret), false, false},
		"empty":                         {"", ring(t, ringSecret), false, false},
		"a dot":                         {".", ring(t, ringSecret), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			value, stale, ok := tc.ring.Verify(tc.signed)
			if ok != tc.wanted || stale != tc.stale {
				t.Errorf("Verify = %q, stale %v, ok %v", value, stale, ok)
			}
			if ok && value != "value" {
				t.Errorf("value = %q", value)
			}
		})
	}
}

func TestDecrypt_opensTheContractsVector(t *testing.T) {
	t.Parallel()
	const sealed = "22e1ab97e7f04df42404cbc94de44e32f6f3daab02c2aefff007aa30986566c8d31c0ead7ccf15252067d115d0283449bd7a569985fc3a0c1deb1fd94653819e4a830ac197e8d8a5"
	for name, text := range map[string]string{"plain": sealed, "in a versioned envelope": "$ba$7$" + sealed} {
		clear, err := ring(t, strings.Repeat("n", 32), ringSecret).Decrypt(text)
		if err != nil || string(clear) != "aaYtF5d_SIRRDoqGH4KVlaX-jOoslYM9" {
			t.Errorf("%s: %q, %v", name, clear, err)
		}
	}
}

func TestEncrypt_isOpenedByTheSameSecretOnly(t *testing.T) {
	t.Parallel()
	sealed, err := ring(t, ringSecret).Encrypt([]byte("a key"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := ring(t, ringSecret).Encrypt([]byte("a key"))
	if err != nil || sealed == again {
		t.Errorf("two ciphertexts of one text are equal (%v)", err)
	}
	if clear, err := ring(t, ringSecret).Decrypt(sealed); err != nil || string(clear) != "a key" {
		t.Errorf("Decrypt = %q, %v", clear, err)
	}
	for name, text := range map[string]string{
		"changed": sealed[:len(sealed)-2] + "00", "cut": sealed[:20], "not hex": "zz" + sealed, "empty": "", "an empty envelope": "$ba$1$",
	} {
		if _, err := ring(t, ringSecret).Decrypt(text); !errors.Is(err, security.ErrUndecryptable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ring(t, strings.Repeat("x", 32)).Decrypt(sealed); !errors.Is(err, security.ErrUndecryptable) {
		t.Errorf("a foreign secret: %v", err)
	}
}

func TestVerifyJWT(t *testing.T) {
	t.Parallel()
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	keys := ring(t, ringSecret)
	sign := func(claims map[string]any) string {
		token, err := keys.SignJWT(claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := sign(map[string]any{"email": "ada@example.test", "exp": noon.Unix()})
	if !strings.HasPrefix(good, "eyJhbGciOiJIUzI1NiJ9.") {
		t.Errorf("the header is not the contract's: %s", good)
	}
	foreign, err := ring(t, strings.Repeat("x", 32)).SignJWT(map[string]any{"exp": noon.Unix()})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		token string
		now   time.Time
		want  error
	}{
		"a second before its end":  {good, noon.Add(-time.Second), nil},
		"at its end":               {good, noon, security.ErrTokenExpired},
		"without an end":           {sign(map[string]any{"email": "x"}), noon, security.ErrTokenInvalid},
		"signed by somebody else":  {foreign, noon.Add(-time.Hour), security.ErrTokenInvalid},
		"with another body":        {good[:25] + "A" + good[26:], noon.Add(-time.Hour), security.ErrTokenInvalid},
		"unsigned (alg none)":      {"eyJhbGciOiJub25lIn0.e30.", noon, security.ErrTokenInvalid},
		"with another header":      {"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9" + good[20:], noon.Add(-time.Hour), security.ErrTokenInvalid},
		"without a body":           {"eyJhbGciOiJIUzI1NiJ9.x", noon, security.ErrTokenInvalid},
		"longer than any of ours":  {good + strings.Repeat("A", 5000), noon.Add(-time.Hour), security.ErrTokenInvalid},
		"nothing":                  {"", noon, security.ErrTokenInvalid},
		"a body that is not JSON":  {"eyJhbGciOiJIUzI1NiJ9..", noon, security.ErrTokenInvalid},
		"the signature alone cut ": {good[:len(good)-1], noon.Add(-time.Hour), security.ErrTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			claims, err := keys.VerifyJWT(tc.token, tc.now)
			if !errors.Is(err, tc.want) {
				t.Errorf("VerifyJWT = %v, %v, want %v", claims, err, tc.want)
			}
			if tc.want == nil && claims["email"] != "ada@example.test" {
				t.Errorf("claims = %v", claims)
			}
		})
	}
}

func TestNewKeyring_refusesWeakSecrets(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{nil, {""}, {strings.Repeat("a", 31)}, {ringSecret, "short"}} {
		if _, err := security.NewKeyring(secrets); err == nil {
			t.Errorf("NewKeyring took %d secrets", len(secrets))
		} else if strings.Contains(err.Error(), "aaa") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}

func BenchmarkVerifyCookie(b *testing.B) {
	keys := ring(b, ringSecret)
	signed := keys.Sign(security.Token(32))
	b.ReportAllocs()
	for b.Loop() {
		keys.Verify(signed)
	}
}

func FuzzVerifyCookie(f *testing.F) {
	keys := ring(f, ringSecret)
	f.Add(keys.Sign("value"))
	f.Add("..=")
	f.Fuzz(func(t *testing.T, text string) {
		if value, _, ok := keys.Verify(text); ok && keys.Sign(value) != text {
			t.Errorf("%q passes and is not what we sign", text)
		}
	})
}
