package security

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/codex-platform/codex/pkg/problem"
)

// ErrBusy refuses a password operation because too many others wait: it is
// better to shed a sign-in than to starve every other endpoint.
var ErrBusy = problem.New(http.StatusServiceUnavailable, "BUSY", "Too many people are signing in at the moment: try again shortly").WithRetryAfter(2 * time.Second)

// errHash says that a stored hash has no form that we know.
var errHash = errors.New("stored password hash has an unknown form")

// HashParams are the cost of a new hash and the bounds on hashing at once. The
// zero value of each means its default.
type HashParams struct {
	MemoryKiB   uint32        // argon2id memory, default 19456 (19 MiB)
	Iterations  uint32        // argon2id passes, default 2
	Parallelism uint8         // argon2id lanes, default 1
	Concurrency int           // hashes at the same time, default one a core, as far as Memory goes
	Memory      int64         // bytes that all hashes together may take by default; 0: no bound
	Queue       int           // callers that may wait for their turn, default 64 for each hash at a time
	Wait        time.Duration // the longest wait for a turn, default 5 s
}

func (p HashParams) withDefaults() HashParams {
	cores := runtime.GOMAXPROCS(0)
	p.MemoryKiB = or(p.MemoryKiB, 19456)
	p.Iterations = or(p.Iterations, 2)
	p.Parallelism = or(p.Parallelism, 1)
	p.Concurrency = or(p.Concurrency, p.fit(cores))
	p.Queue = or(p.Queue, 64*p.Concurrency)
	p.Wait = or(p.Wait, 5*time.Second)
	return p
}

// importedKiB is the memory of a hash in the form of better-auth.
const importedKiB = 32 << 10

// fit gives how many hashes at a time there is memory for, up to most: an
// imported hash must fit too.
func (p HashParams) fit(most int) int {
	if p.Memory <= 0 {
		return most
	}
	each := int64(max(p.MemoryKiB, importedKiB)) << 10
	return int(min(int64(most), max(1, p.Memory/each)))
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Hasher makes and checks password hashes, with a bound on how many run at a
// time: each one takes a core for tens of milliseconds and megabytes of memory,
// so a flood of sign-ins would otherwise take the process down.
type Hasher struct {
	params  HashParams
	turns   chan struct{}
	waiting atomic.Int64
}

// NewHasher makes a hasher with these costs and bounds.
func NewHasher(params HashParams) *Hasher {
	params = params.withDefaults()
	return &Hasher{params: params, turns: make(chan struct{}, params.Concurrency)}
}

const (
	saltBytes = 16
	keyBytes  = 32
)

// Hash gives the PHC string of a new argon2id hash. It fails with ErrBusy when
// the queue is full and with the context's error when the caller went away.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt)
	a := argon{memory: h.params.MemoryKiB, passes: h.params.Iterations, lanes: h.params.Parallelism, salt: salt}
	err := h.inTurn(ctx, func() { a.key = a.derive(normal(password), keyBytes) })
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

// Verify says whether the password belongs to a stored hash, and if so whether
// the hash should be replaced because its form or cost is not the current one.
// It knows argon2id, argon2i, bcrypt and Firebase's scrypt by their prefix and
// better-auth's scrypt "salt:key". An unknown form is an error; so are ErrBusy and the context's end.
func (h *Hasher) Verify(ctx context.Context, password, encoded string) (ok, upgrade bool, err error) {
	check, upgrade, err := h.checker(encoded)
	if err != nil {
		return false, false, err
	}
	pw := normal(password)
	if err := h.inTurn(ctx, func() { ok = check(pw) }); err != nil {
		return false, false, err
	}
	return ok, ok && upgrade, nil
}

// Waste does the work of one Verify, in the same queue, and forgets the result:
// for a sign-in to an account that does not exist.
func (h *Hasher) Waste(ctx context.Context, password string) error {
	a := argon{memory: h.params.MemoryKiB, passes: h.params.Iterations, lanes: h.params.Parallelism, salt: make([]byte, saltBytes)}
	return h.inTurn(ctx, func() { a.derive(normal(password), keyBytes) })
}

// inTurn runs f when fewer than Concurrency others run.
func (h *Hasher) inTurn(ctx context.Context, f func()) error {
	select {
	case h.turns <- struct{}{}:
	default:
		if err := h.wait(ctx); err != nil {
			return err
		}
	}
	defer func() { <-h.turns }()
	f()
	return nil
}

func (h *Hasher) wait(ctx context.Context) error {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > int64(h.params.Queue) {
		return ErrBusy
	}
	timer := time.NewTimer(h.params.Wait)
	defer timer.Stop()
	select {
	case h.turns <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// checker picks how a stored hash is verified, by its form.
func (h *Hasher) checker(encoded string) (check func([]byte) bool, upgrade bool, err error) {
	switch {
	case strings.HasPrefix(encoded, "$argon2id$"), strings.HasPrefix(encoded, "$argon2i$"):
		a, err := parseArgon(encoded)
		if err != nil {
			return nil, false, err
		}
		return a.matches, a.weaker(h.params), nil
	case strings.HasPrefix(encoded, "$2a$"), strings.HasPrefix(encoded, "$2b$"), strings.HasPrefix(encoded, "$2y$"):
		if cost, err := bcrypt.Cost([]byte(encoded)); err != nil || cost > maxBcryptCost {
			return nil, false, errHash
		}
		return func(pw []byte) bool { return bcrypt.CompareHashAndPassword([]byte(encoded), pw) == nil }, true, nil
	case strings.HasPrefix(encoded, "$fbscrypt$"):
		check, err := parseFirebase(encoded)
		return check, true, err
	default:
		check, err := parseScrypt(encoded)
		return check, true, err
	}
}

// normal gives the bytes that are hashed: Unicode NFKC in UTF-8, so that the
// same password typed on two keyboards is the same password.
func normal(password string) []byte { return norm.NFKC.Bytes([]byte(password)) }

// argon is one argon2id hash with its parameters, or an imported one of argon2i.
type argon struct {
	data           bool // argon2i
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func (a argon) derive(password []byte, n uint32) []byte {
	if a.data {
		return argon2.Key(password, a.salt, a.passes, a.memory, a.lanes, n)
	}
	return argon2.IDKey(password, a.salt, a.passes, a.memory, a.lanes, n)
}

func (a argon) matches(password []byte) bool {
	return subtle.ConstantTimeCompare(a.derive(password, uint32(len(a.key))), a.key) == 1
}

func (a argon) weaker(p HashParams) bool {
	return a.data || a.memory < p.MemoryKiB || a.passes < p.Iterations || len(a.key) < keyBytes || len(a.salt) < saltBytes
}

// String gives the PHC form: $argon2id$v=19$m=..,t=..,p=..$salt$key.
func (a argon) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, a.memory, a.passes, a.lanes, b64.EncodeToString(a.salt), b64.EncodeToString(a.key))
}

// The most that a stored hash may ask for: an imported row must be neither a
// memory bomb nor a core for days.
const (
	maxMemoryKiB  = 1 << 20
	maxPasses     = 32
	maxKeyBytes   = 128
	maxBcryptCost = 16 // about 5 s; each more doubles it
)

func parseArgon(encoded string) (argon, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return argon{}, errHash
	}
	a := argon{data: parts[1] == "argon2i"}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.passes, &a.lanes); err != nil || n != 3 {
		return argon{}, errHash
	}
	var saltErr, keyErr error
	a.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	a.key, keyErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || !a.sane() {
		return argon{}, errHash
	}
	return a, nil
}

func (a argon) sane() bool {
	return a.memory >= 8 && a.memory <= maxMemoryKiB && a.passes >= 1 && a.passes <= maxPasses &&
		a.lanes >= 1 && len(a.salt) >= 8 && len(a.key) >= 16 && len(a.key) <= maxKeyBytes
}

// parseScrypt reads better-auth's form: 32 hex characters of salt, used as the
// text they are, and 128 of key; N=16384, r=16, p=1.
func parseScrypt(encoded string) (func([]byte) bool, error) {
	salt, hexKey, found := strings.Cut(encoded, ":")
	key, err := hex.DecodeString(hexKey)
	if !found || err != nil || len(salt) != 32 || len(key) != 64 {
		return nil, errHash
	}
	return func(password []byte) bool {
		got, err := scrypt.Key(password, []byte(salt), 16384, 16, 1, 64)
		return err == nil && subtle.ConstantTimeCompare(got, key) == 1
	}, nil
}

// KnownHash tells whether a stored hash has a form that Verify reads.
func KnownHash(encoded string) bool {
	_, _, err := (&Hasher{}).checker(encoded)
	return err == nil
}
