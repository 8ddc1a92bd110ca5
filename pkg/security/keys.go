package security

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

const (
	keysRefresh  = time.Minute     // how long a new key may go unseen; auth publishes a key longer before it signs
	keysCooldown = 5 * time.Second // unknown ids cause at most one fetch in this time, for all callers together
	keysWait     = 2 * time.Second // how long one caller waits for that fetch
	keysTimeout  = 3 * time.Second // one fetch
	keysMaxAge   = 24 * time.Hour  // the last good set outlives a day without its issuer
	keysMaxBytes = 1 << 20         // a key set is a few hundred bytes
	keysRetryMin = 200 * time.Millisecond
	keysRetryMax = 5 * time.Second
)

type keyName struct{ kid, alg string }

type keySet struct {
	keys    map[keyName]crypto.PublicKey
	etag    string
	fetched time.Time
}

// RemoteKeys is a key set behind an address, fetched in the background: requests
// wait for the network only when they name a key that nobody has seen.
type RemoteKeys struct {
	url    string
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	set        atomic.Pointer[keySet]
	generation atomic.Uint64
	failing    atomic.Bool

	mu      sync.Mutex
	running chan struct{} // closed when the fetch under way ends; nil when none is
	last    time.Time     // when the last fetch began
}

// NewRemoteKeys reads the set at url with client's transport. Nothing is fetched
// before Run, or before the first key is asked for.
func NewRemoteKeys(url string, client *http.Client, log *slog.Logger) *RemoteKeys {
	if client == nil {
		client = &http.Client{}
	}
	own := *client
	own.Timeout = keysTimeout
	// A redirect would let whoever answers once name another source of keys.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &RemoteKeys{url: url, client: &own, log: log, now: time.Now}
}

// Run keeps the set fresh until ctx ends. A failed fetch keeps the last good set
// and is tried again soon; the log has one line per change of state.
func (k *RemoteKeys) Run(ctx context.Context) {
	retry := keysRetryMin
	for {
		wait := keysRefresh
		if err := k.Refresh(ctx); err != nil && ctx.Err() == nil {
			wait, retry = retry, min(2*retry, keysRetryMax)
		} else {
			retry = keysRetryMin
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Ready says whether tokens can be verified: nil, or ErrKeysUnavailable.
func (k *RemoteKeys) Ready() error {
	if k.current() == nil {
		return ErrKeysUnavailable
	}
	return nil
}

// Generation changes whenever the set does. What was verified under an older
// generation may have been signed by a key that is gone.
func (k *RemoteKeys) Generation() uint64 { return k.generation.Load() }

// Key implements KeySource.
func (k *RemoteKeys) Key(ctx context.Context, kid, alg string) (crypto.PublicKey, error) {
	name := keyName{kid, alg}
	if set := k.current(); set != nil {
		if key, ok := set.keys[name]; ok {
			return key, nil
		}
	}
	k.await(ctx)
	set := k.current()
	if set == nil {
		return nil, ErrKeysUnavailable
	}
	if key, ok := set.keys[name]; ok {
		return key, nil
	}
	return nil, refuse("unknown key")
}

// current is the set in force; nil when there is none or it is a day old.
func (k *RemoteKeys) current() *keySet {
	set := k.set.Load()
	if set == nil || k.now().Sub(set.fetched) > keysMaxAge {
		return nil
	}
	return set
}

// await waits for the fetch under way, or begins one unless one was made in the
// cool-down. The fetch belongs to nobody's request: the caller may leave.
func (k *RemoteKeys) await(ctx context.Context) {
	k.mu.Lock()
	done := k.running
	if done == nil && k.now().Sub(k.last) >= k.cooldown() {
		done = k.begin(context.WithoutCancel(ctx), func(error) {})
	}
	k.mu.Unlock()
	if done == nil {
		return
	}
	limit := time.NewTimer(keysWait)
	defer limit.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-limit.C:
	}
}

// cooldown is short as long as there is no set at all: then every caller waits.
func (k *RemoteKeys) cooldown() time.Duration {
	if k.set.Load() == nil {
		return keysRetryMin
	}
	return keysCooldown
}

// At makes k read the time from now; for tests. It returns k.
func (k *RemoteKeys) At(now func() time.Time) *RemoteKeys {
	k.now = now
	return k
}

// Refresh fetches the set now, or waits for the fetch under way.
func (k *RemoteKeys) Refresh(ctx context.Context) error {
	var err error
	k.mu.Lock()
	done := k.running
	if done == nil {
		done = k.begin(ctx, func(e error) { err = e })
	}
	k.mu.Unlock()
	<-done
	return err
}

// begin starts one fetch; the lock is held.
func (k *RemoteKeys) begin(ctx context.Context, report func(error)) chan struct{} {
	done := make(chan struct{})
	k.running, k.last = done, k.now()
	go func() {
		err := k.fetch(ctx)
		k.note(ctx, err)
		report(err)
		k.mu.Lock()
		k.running = nil
		k.mu.Unlock()
		close(done)
	}()
	return done
}

func (k *RemoteKeys) note(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && !k.failing.Swap(true):
		k.log.WarnContext(ctx, "key set cannot be fetched: the last good one stays in use", "err", err, "have_keys", k.current() != nil)
	case err == nil && k.failing.Swap(false):
		k.log.InfoContext(ctx, "key set can be fetched again")
	}
}

func (k *RemoteKeys) fetch(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return fmt.Errorf("fetch key set: %w", err)
	}
	old := k.set.Load()
	if old != nil && old.etag != "" {
		req.Header.Set("If-None-Match", old.etag)
	}
	res, err := k.client.Do(req)
	if err != nil {
		return fmt.Errorf("fetch key set: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusNotModified && old != nil:
		k.set.Store(&keySet{keys: old.keys, etag: old.etag, fetched: k.now()})
		return nil
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("fetch key set: status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, keysMaxBytes+1))
	if err != nil {
		return fmt.Errorf("fetch key set: %w", err)
	}
	if len(body) > keysMaxBytes {
		return errors.New("fetch key set: longer than 1 MiB")
	}
	keys, err := parseKeySet(body)
	if err != nil {
		return fmt.Errorf("fetch key set: %w", err)
	}
	k.set.Store(&keySet{keys: keys, etag: res.Header.Get("ETag"), fetched: k.now()})
	if old == nil || !sameKeys(old.keys, keys) {
		k.generation.Add(1)
	}
	return nil
}

// parseKeySet keeps the keys that may verify access tokens, each bound to its one
// algorithm. A set without any is an error: it must not replace a good one.
func parseKeySet(body []byte) (map[keyName]crypto.PublicKey, error) {
	set, err := jwk.Parse(body, jwk.WithIgnoreParseError(true))
	if err != nil {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	keys := make(map[keyName]crypto.PublicKey, set.Len())
	for i := range set.Len() {
		key, _ := set.Key(i)
		if key.KeyID() == "" || key.KeyUsage() != "" && key.KeyUsage() != "sig" {
			continue
		}
		public, alg := usableKey(key)
		if public == nil {
			continue
		}
		name := keyName{key.KeyID(), alg}
		if _, twice := keys[name]; !twice {
			keys[name] = public
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the set holds no key for EdDSA, ES256 or RS256")
	}
	return keys, nil
}

// usableKey returns the public key and the algorithm that its type allows, or nil.
func usableKey(key jwk.Key) (crypto.PublicKey, string) {
	var raw any
	public, err := key.PublicKey()
	if err != nil || public.Raw(&raw) != nil {
		return nil, ""
	}
	var alg jwa.SignatureAlgorithm
	switch k := raw.(type) {
	case ed25519.PublicKey:
		alg = jwa.EdDSA
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return nil, ""
		}
		alg = jwa.ES256
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 || k.N.BitLen() > 8192 {
			return nil, ""
		}
		alg = jwa.RS256
	default:
		return nil, ""
	}
	if named := key.Algorithm().String(); named != "" && named != alg.String() {
		return nil, ""
	}
	return raw, alg.String()
}

func sameKeys(a, b map[keyName]crypto.PublicKey) bool {
	if len(a) != len(b) {
		return false
	}
	for name, key := range a {
		other, ok := b[name]
		equal, comparable := key.(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !comparable || !equal.Equal(other) {
			return false
		}
	}
	return true
}
