package security_test

import (
	"context"
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/codex-platform/codex/pkg/security"
)

// cheap are costs for tests that are not about the cost.
var cheap = security.HashParams{MemoryKiB: 64, Iterations: 1}

func TestVerify_scryptVectorsOfTheContract(t *testing.T) {
	t.Parallel()
	const (
		ascii   = "06a60021daaa84d25182e859f684016e:206a8e21b6ab4d7d83b699cd65a1eca03ec9f66d02854063d38afcc985660129083b4ca9521fff84a24872cd676349dcbcfd206e926f9d4c3ba586caa943cc0b"
		unicode = "45aa95457faa4e4c14314a2d09a595ad:3cc23a6bbba1c7e8173802b7358659fb82b27bf1e53af062c12b5538181de7b2449f0a700d597444cd55463809f2a9462372078c4db57cada433b1e7c3258de9"
	)
	h := security.NewHasher(security.HashParams{})
	for name, tc := range map[string]struct {
		password, hash string
		want           bool
	}{
		"right":                    {"correct-horse-battery-staple-9", ascii, true},
		"wrong":                    {"correct-horse-battery-staple-8", ascii, false},
		"the Angstrom sign":        {"pa\u212bsswort-lang", unicode, true},
		"the letter A with a ring": {"pa\u00c5sswort-lang", unicode, true},
		"A and a combining ring":   {"paA\u030asswort-lang", unicode, true},
		"without the ring":         {"paAsswort-lang", unicode, false},
	} {
		t.Run(name, func(t *testing.T) {
			ok, upgrade, err := h.Verify(t.Context(), tc.password, tc.hash)
			if err != nil || ok != tc.want || upgrade != tc.want {
				t.Errorf("Verify = %v, upgrade %v, %v; want %v and an upgrade with it", ok, upgrade, err, tc.want)
			}
		})
	}
}

func TestVerify_bcryptOfOtherSystems(t *testing.T) {
	t.Parallel()
	made, err := bcrypt.GenerateFromPassword([]byte("an imported passphrase"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	h := security.NewHasher(cheap)
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
		hash := prefix + string(made[4:])
		if ok, upgrade, err := h.Verify(t.Context(), "an imported passphrase", hash); !ok || !upgrade || err != nil {
			t.Errorf("%s: %v, upgrade %v, %v", prefix, ok, upgrade, err)
		}
		if ok, _, _ := h.Verify(t.Context(), "another passphrase", hash); ok {
			t.Errorf("%s: a wrong password passes", prefix)
		}
	}
}

// firebase is the example of Firebase's documentation, in the form of exports.
const firebase = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$" +
	"42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="

func TestVerify_scryptOfFirebase(t *testing.T) {
	t.Parallel()
	h := security.NewHasher(cheap)
	if ok, upgrade, err := h.Verify(t.Context(), "user1password", firebase); !ok || !upgrade || err != nil {
		t.Errorf("%v, upgrade %v, %v", ok, upgrade, err)
	}
	if ok, _, _ := h.Verify(t.Context(), "user2password", firebase); ok {
		t.Error("a wrong password passes")
	}
}

func TestVerify_argon2iOfOtherSystems(t *testing.T) {
	t.Parallel()
	salt := []byte("0123456789abcdef")
	b64 := base64.RawStdEncoding.EncodeToString
	hash := "$argon2i$v=19$m=64,t=3,p=1$" + b64(salt) + "$" + b64(argon2.Key([]byte("an imported passphrase"), salt, 3, 64, 1, 32))
	h := security.NewHasher(cheap)
	if ok, upgrade, err := h.Verify(t.Context(), "an imported passphrase", hash); !ok || !upgrade || err != nil {
		t.Errorf("%v, upgrade %v, %v", ok, upgrade, err)
	}
	if ok, _, _ := h.Verify(t.Context(), "another passphrase", hash); ok {
		t.Error("a wrong password passes")
	}
}

func TestHashParams_asManyAtATimeAsThereIsMemoryFor(t *testing.T) {
	t.Parallel()
	for memory, want := range map[int64]int{0: runtime.GOMAXPROCS(0), 1 << 20: 1, 33 << 20: 1, 1 << 40: runtime.GOMAXPROCS(0)} {
		if got := security.NewHasher(security.HashParams{Memory: memory}).Turns(); got != want {
			t.Errorf("%d bytes: %d at a time, want %d", memory, got, want)
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	h := security.NewHasher(security.HashParams{})
	first, err := h.Hash(t.Context(), "one passphrase for two")
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Hash(t.Context(), "one passphrase for two")
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Error("two hashes of one password are equal: the salt is missing")
	}
	if !strings.HasPrefix(first, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the default costs are not those of AUTH-04: %s", first[:40])
	}
	ok, upgrade, err := h.Verify(t.Context(), "one passphrase for two", first)
	if !ok || upgrade || err != nil {
		t.Errorf("own hash: %v, upgrade %v, %v", ok, upgrade, err)
	}
	// AUTH-02: nothing is trimmed, folded or cut.
	for _, miss := range []string{"One passphrase for two", " one passphrase for two", "one passphrase for two ", "one passphrase for tw", "one passphrase for two\x00"} {
		if ok, _, _ := h.Verify(t.Context(), miss, first); ok {
			t.Errorf("%q passes", miss)
		}
	}
}

func TestHash_longPasswordsDifferInTheirLastCharacter(t *testing.T) {
	t.Parallel()
	h := security.NewHasher(cheap)
	hash, err := h.Hash(t.Context(), strings.Repeat("a", 99)+"b")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, _ := h.Verify(t.Context(), strings.Repeat("a", 99)+"c", hash); ok {
		t.Error("a password of 100 characters is cut")
	}
}

func TestVerify_asksForAnUpgradeOfWeakerCosts(t *testing.T) {
	t.Parallel()
	weak, err := security.NewHasher(cheap).Hash(t.Context(), "a passphrase")
	if err != nil {
		t.Fatal(err)
	}
	if ok, upgrade, err := security.NewHasher(security.HashParams{}).Verify(t.Context(), "a passphrase", weak); !ok || !upgrade || err != nil {
		t.Errorf("Verify = %v, upgrade %v, %v", ok, upgrade, err)
	}
}

func TestVerify_refusesFormsItDoesNotKnow(t *testing.T) {
	t.Parallel()
	h := security.NewHasher(cheap)
	for name, hash := range map[string]string{
		"empty":                 "",
		"words":                 "hunter2",
		"half a better-auth":    "06a60021daaa84d25182e859f684016e:206a",
		"argon2 cut short":      "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ",
		"argon2 of old":         "$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"a memory bomb":         "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"no passes":             "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"no lanes":              "$argon2id$v=19$m=64,t=1,p=0$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"bcrypt for days":       "$2b$31$" + strings.Repeat("a", 53),
		"bcrypt cut short":      "$2b$10$aaaa",
		"fbscrypt cut short":    "$fbscrypt$v=1$x",
		"fbscrypt for days":     strings.Replace(firebase, "n=14", "n=40", 1),
		"fbscrypt of no cost":   strings.Replace(firebase, "r=8", "r=0", 1),
		"fbscrypt without key":  strings.Replace(firebase, ",sk=", ",xx=", 1),
		"a form not spoken yet": "$pbkdf2-sha256$x",
	} {
		if ok, _, err := h.Verify(t.Context(), "a passphrase", hash); ok || err == nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		} else if hash != "" && strings.Contains(err.Error(), hash) {
			t.Errorf("%s: the error repeats the hash", name)
		}
	}
}

func TestHasher_shedsWhatDoesNotFitTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := security.NewHasher(security.HashParams{MemoryKiB: 64, Iterations: 1, Concurrency: 1, Queue: 1, Wait: time.Second})
		release := h.Occupy()
		waiter := make(chan error, 1)
		go func() { waiter <- h.Waste(t.Context(), "first in the queue") }()
		synctest.Wait()

		if err := h.Waste(t.Context(), "one too many"); !errors.Is(err, security.ErrBusy) {
			t.Errorf("with a full queue: %v, want ErrBusy", err)
		}
		if security.ErrBusy.RetryAfter <= 0 || security.ErrBusy.Status != 503 {
			t.Errorf("ErrBusy is %d, retry after %v", security.ErrBusy.Status, security.ErrBusy.RetryAfter)
		}
		if err := <-waiter; !errors.Is(err, security.ErrBusy) { // the clock of the bubble moves on by a second
			t.Errorf("after the longest wait: %v, want ErrBusy", err)
		}
		release()
		if err := h.Waste(t.Context(), "room again"); err != nil {
			t.Errorf("with a free turn: %v", err)
		}
	})
}

func TestHasher_stopsWaitingWithItsCaller(t *testing.T) {
	t.Parallel()
	h := security.NewHasher(security.HashParams{MemoryKiB: 64, Iterations: 1, Concurrency: 1})
	defer h.Occupy()()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "a passphrase"); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash = %v", err)
	}
}

func TestWaste_costsWhatVerifyCosts(t *testing.T) { // alone: it counts allocations
	h := security.NewHasher(security.HashParams{})
	hash, err := h.Hash(t.Context(), "a passphrase")
	if err != nil {
		t.Fatal(err)
	}
	verify := testing.AllocsPerRun(3, func() { _, _, _ = h.Verify(t.Context(), "b passphrase", hash) })
	waste := testing.AllocsPerRun(3, func() { _ = h.Waste(t.Context(), "b passphrase") })
	// Time depends on the machine's mood; the number of allocations tells that
	// the same function ran with the same memory.
	if verify-waste > 20 || waste > verify {
		t.Errorf("Verify makes %v allocations, Waste %v", verify, waste)
	}
}

func BenchmarkHash(b *testing.B) {
	h := security.NewHasher(security.HashParams{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct-horse-battery-staple-9"); err != nil {
			b.Fatal(err)
		}
	}
}
