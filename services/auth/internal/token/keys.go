// Package token owns access tokens for the other services: the keys that sign
// them, the key set that verifies them, and the exchange of a session for one.
package token

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	// refreshEvery is how old what a process knows of the keys may be before it
	// reads them again, beside the requests. It is far below Lead, so every
	// replica publishes a key before any of them signs with it.
	refreshEvery = time.Minute
	// staleAfter is the age at which a request waits for them to be read.
	staleAfter = 10 * time.Minute
	// loadTime bounds one reading.
	loadTime = 2 * time.Second
)

// errSealed says that the signing key was sealed with a secret we do not have.
var errSealed = errors.New("the signing key in the database opens with none of AUTH_SECRETS")

// Keys keeps the keys that sign access tokens.
//
// One key is active and signs. Its successor is published as "next" for Lead
// before it signs, so that every verifier has fetched it by then; a key that was
// replaced is published for Grace longer. The private halves are sealed with
// AUTH_SECRETS (SES-16).
type Keys struct {
	DB   database.Beginner
	Read database.Querier
	Ring security.Keyring
	// Alg is the algorithm of new keys; "": EdDSA. A key of another one is replaced.
	Alg string
	// Lifetime is the age at which a key is replaced; 0: only by command.
	Lifetime time.Duration
	Lead     time.Duration
	Grace    time.Duration
	// Published hears of a successor that the schedule published, in the transaction
	// that keeps it; nil: nobody does.
	Published func(ctx context.Context, tx pgx.Tx) error
	Now       func() time.Time
	Log       *slog.Logger

	known   atomic.Pointer[known]
	loading sync.Mutex
}

// known is what was last read.
type known struct {
	at     time.Time
	signer *security.Signer
	set    Set
}

// Set is the key set of the contract.
type Set struct {
	Keys []PublicKey `json:"keys"`
}

// PublicKey is one key of the set: public members only.
type PublicKey struct {
	Alg string `json:"alg"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
	Kty string `json:"kty"`
	Kid string `json:"kid"`
}

// Signer gives the key that signs now; the first call of all makes it.
func (k *Keys) Signer(ctx context.Context) (*security.Signer, error) {
	now, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	return now.signer, nil
}

// Public gives the key set.
func (k *Keys) Public(ctx context.Context) (Set, error) {
	now, err := k.current(ctx)
	if err != nil {
		return Set{}, err
	}
	return now.set, nil
}

// current gives what is known. It is read again once a minute in the background,
// so requests do not wait for it; with the database away what was read before
// goes on to be right.
func (k *Keys) current(ctx context.Context) (*known, error) {
	have := k.known.Load()
	switch {
	case have == nil || k.Now().Sub(have.at) >= staleAfter:
		return k.refresh(ctx)
	case k.Now().Sub(have.at) >= refreshEvery && k.loading.TryLock():
		go func() {
			defer k.loading.Unlock()
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
			defer cancel()
			if _, err := k.read(limited); err != nil {
				k.Log.WarnContext(ctx, "signing keys not read again", "err", err)
			}
		}()
	}
	return have, nil
}

// refresh reads the keys for a caller who waits. One reads, the others find the
// result; when that fails, what was known before is still good.
func (k *Keys) refresh(ctx context.Context) (*known, error) {
	before := k.known.Load()
	k.loading.Lock()
	defer k.loading.Unlock()
	if now := k.known.Load(); now != before {
		return now, nil
	}
	limited, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	fresh, err := k.read(limited)
	if err != nil && before != nil {
		return before, nil
	}
	return fresh, err
}

func (k *Keys) read(ctx context.Context) (*known, error) {
	fresh, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	k.known.Store(fresh)
	return fresh, nil
}

// load reads the keys, and makes the first one. Two replicas that find none both
// insert; the index of active keys lets one of them win.
func (k *Keys) load(ctx context.Context) (*known, error) {
	store := Store{DB: k.Read}
	rows, err := store.All(ctx)
	if err == nil && active(rows) == nil {
		if _, err = k.add(ctx, store, "active"); err == nil {
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
			defer cancel()
			rows, err = store.All(limited)
		}
	}
	if err != nil {
		return nil, err
	}
	signs := active(rows)
	if signs == nil {
		return nil, errors.New("no active signing key")
	}
	signer, err := k.open(*signs)
	if err != nil {
		return nil, err
	}
	set, err := publish(rows)
	return &known{at: k.Now(), signer: signer, set: set}, err
}

func active(rows []Row) *Row {
	for i := range rows {
		if rows[i].Status == "active" {
			return &rows[i]
		}
	}
	return nil
}

// add makes a key pair and keeps it. Making one of RSA takes a busy machine longer
// than a caller waits; it is kept all the same, or the next caller would begin anew.
func (k *Keys) add(ctx context.Context, store Store, status string) (kept bool, err error) {
	private, crv, err := newKey(k.alg())
	if err != nil {
		return false, fmt.Errorf("make signing key: %w", err)
	}
	row := Row{ID: security.NewID(), Alg: k.alg(), Crv: crv, Status: status, CreatedAt: wire.Moment(k.Now())}
	if row.PublicKey, err = writeJWK(private.Public()); err != nil {
		return false, err
	}
	clear, err := writeJWK(private)
	if err != nil {
		return false, err
	}
	sealed, err := k.Ring.Encrypt([]byte(clear))
	if err != nil {
		return false, err
	}
	row.PrivateKey = `"` + sealed + `"` // a JSON string, as the contract's table has it
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
	defer cancel()
	return store.Insert(limited, row)
}

func (k *Keys) alg() string { return cmp.Or(k.Alg, "EdDSA") }

// rsaBits is the size of new RSA keys: good until 2030 and beyond (SP 800-57).
const rsaBits = 3072

// newKey makes a private key, and names its curve.
func newKey(alg string) (key crypto.Signer, crv string, err error) {
	switch alg {
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, "Ed25519", err
	case "ES256":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return private, "P-256", err
	case "ES512":
		private, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		return private, "P-521", err
	case "RS256", "PS256":
		private, err := rsa.GenerateKey(rand.Reader, rsaBits)
		return private, "", err
	}
	return nil, "", fmt.Errorf("no keys for %s are made here", alg)
}

func writeJWK(key any) (string, error) {
	j, err := jwk.FromRaw(key)
	if err != nil {
		return "", fmt.Errorf("write key: %w", err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		return "", fmt.Errorf("write key: %w", err)
	}
	return string(text), nil
}

// open unseals a key for signing.
func (k *Keys) open(row Row) (*security.Signer, error) {
	var sealed string
	if json.Unmarshal([]byte(row.PrivateKey), &sealed) != nil {
		sealed = row.PrivateKey
	}
	clear, err := k.Ring.Decrypt(sealed)
	if err != nil {
		return nil, errSealed
	}
	parsed, err := jwk.ParseKey(clear)
	if err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", row.ID, err)
	}
	var raw any
	if err := parsed.Raw(&raw); err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", row.ID, err)
	}
	signer, ok := raw.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing key %s cannot sign", row.ID)
	}
	return security.NewSignerWith(row.ID, row.Alg, signer)
}

// publish makes the key set of all rows. Only members that PublicKey names can
// get into it.
func publish(rows []Row) (Set, error) {
	set := Set{Keys: make([]PublicKey, 0, len(rows))}
	for _, row := range rows {
		var p PublicKey
		if err := json.Unmarshal([]byte(row.PublicKey), &p); err != nil {
			return Set{}, fmt.Errorf("read public key %s: %w", row.ID, err)
		}
		p.Alg, p.Kid = row.Alg, row.ID
		set.Keys = append(set.Keys, p)
	}
	return set, nil
}

// Rotate begins the replacement of the active key: it publishes a successor,
// which Tend lets sign once Lead has passed. A successor that is there already
// is kept, and nothing published.
func (k *Keys) Rotate(ctx context.Context) (published bool, err error) {
	return k.add(ctx, Store{DB: k.Read}, "next")
}

// Tend moves the keys on: a successor that was published for Lead signs from now
// on, an active key near its Lifetime gets a successor, and replaced keys leave
// the set after Grace. It is called every few minutes by one of the replicas.
func (k *Keys) Tend(ctx context.Context) error {
	now := wire.Moment(k.Now())
	return database.InTx(ctx, k.DB, func(tx pgx.Tx) error {
		store := Store{DB: tx}
		if err := store.Forget(ctx, now.Add(-k.Grace)); err != nil {
			return err
		}
		promoted, err := store.Promote(ctx, now.Add(-k.Lead), now)
		if err != nil {
			return err
		}
		if promoted {
			k.Log.InfoContext(ctx, "signing key replaced")
		}
		due, err := k.due(ctx, store, now)
		if err != nil || !due {
			return err
		}
		published, err := k.add(ctx, store, "next")
		if err != nil || !published || k.Published == nil {
			return err
		}
		return k.Published(ctx, tx)
	})
}

// due tells whether the active key is to be replaced: it is near its Lifetime, or
// of another algorithm than new ones.
func (k *Keys) due(ctx context.Context, store Store, now time.Time) (bool, error) {
	other, err := store.ActiveOther(ctx, k.alg())
	if err != nil || other || k.Lifetime == 0 {
		return other, err
	}
	return store.ActiveSince(ctx, now.Add(k.Lead-k.Lifetime))
}

// Check tells whether the signing key, if there is one yet, opens with the ring.
func Check(ctx context.Context, store Store, ring security.Keyring) error {
	rows, err := store.All(ctx)
	signs := active(rows)
	if err != nil || signs == nil {
		return err
	}
	_, err = (&Keys{Ring: ring}).open(*signs)
	return err
}

// SealedWith names the secret that a key is sealed with.
func SealedWith(row Row, ring security.Keyring) string {
	_, stale, err := ring.Open(strings.Trim(row.PrivateKey, `"`))
	switch {
	case err != nil:
		return "none of AUTH_SECRETS"
	case stale:
		return "an older secret"
	}
	return "the first secret"
}
