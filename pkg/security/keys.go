package security

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
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
	keys    map[keyName]*Key
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

	discover string // the issuer whose discovery document names url; empty: url is given

	set     atomic.Pointer[keySet]
	failing atomic.Bool

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

// Key implements KeySource.
func (k *RemoteKeys) Key(ctx context.Context, kid, alg string) (*Key, error) {
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

// fetch replaces the set by what its issuer shows now.
func (k *RemoteKeys) fetch(ctx context.Context) error {
	address, err := k.locate(ctx)
	if err != nil {
		return err
	}
	old := k.set.Load()
	etag := ""
	if old != nil {
		etag = old.etag
	}
	body, tag, err := k.get(ctx, address, etag)
	if err != nil {
		return fmt.Errorf("fetch key set: %w", err)
	}
	if body == nil {
		k.set.Store(&keySet{keys: old.keys, etag: old.etag, fetched: k.now()})
		return nil
	}
	keys, err := parseKeySet(body)
	if err != nil {
		return fmt.Errorf("fetch key set: %w", err)
	}
	k.replace(old, &keySet{keys: keys, etag: tag, fetched: k.now()})
	return nil
}

// replace puts a new set in force. A key that stays is the same Key as before, so
// that what it signed needs no second look; one that left says so to all who hold it.
func (k *RemoteKeys) replace(old, set *keySet) {
	if old == nil {
		k.set.Store(set)
		return
	}
	for name, key := range old.keys {
		if next := set.keys[name]; next != nil && sameKey(key.Public, next.Public) {
			set.keys[name] = key
		}
	}
	k.set.Store(set) // first: nobody finds a key that says it is gone
	for name, key := range old.keys {
		if set.keys[name] != key {
			key.gone.Store(true)
		}
	}
}

// get reads a small document. The body is nil when it is still the one with this tag.
func (k *RemoteKeys) get(ctx context.Context, address, etag string) (body []byte, tag string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept", "application/json")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusNotModified && etag != "":
		return nil, etag, nil
	case res.StatusCode != http.StatusOK:
		return nil, "", fmt.Errorf("status %d", res.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(res.Body, keysMaxBytes+1))
	switch {
	case err != nil:
		return nil, "", err
	case len(body) > keysMaxBytes:
		return nil, "", errors.New("longer than 1 MiB")
	}
	return body, res.Header.Get("ETag"), nil
}

// locate gives the key set's address: the configured one, or what the issuer's
// discovery document says. That is asked each time, so that a moved set is found.
func (k *RemoteKeys) locate(ctx context.Context) (string, error) {
	if k.discover == "" {
		return k.url, nil
	}
	body, _, err := k.get(ctx, strings.TrimSuffix(k.discover, "/")+"/.well-known/openid-configuration", "")
	if err != nil {
		return "", fmt.Errorf("fetch discovery document: %w", err)
	}
	var document struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	switch err := json.Unmarshal(body, &document); {
	case err != nil:
		return "", fmt.Errorf("read discovery document: %w", err)
	case document.Issuer != k.discover: // OpenID Connect Discovery §4.3
		return "", errors.New("read discovery document: it is another issuer's")
	case !safeSource(document.JWKS):
		return "", errors.New("read discovery document: jwks_uri is no https address")
	}
	return document.JWKS, nil
}

// parseKeySet keeps the keys that may verify access tokens, each bound to its one
// algorithm. A set without any is an error: it must not replace a good one.
func parseKeySet(body []byte) (map[keyName]*Key, error) {
	set, err := jwk.Parse(body, jwk.WithIgnoreParseError(true))
	if err != nil {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	keys := make(map[keyName]*Key, set.Len())
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
			keys[name] = &Key{Public: public}
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the set holds no key for EdDSA, ES256, ES512, RS256 or PS256")
	}
	return keys, nil
}

// usableKey returns the public key and the algorithm that it is bound to, or nil.
func usableKey(key jwk.Key) (crypto.PublicKey, string) {
	var raw any
	public, err := key.PublicKey()
	if err != nil || public.Raw(&raw) != nil {
		return nil, ""
	}
	alg, ok := bind(raw, key.Algorithm().String())
	if !ok || !sound(raw) {
		return nil, ""
	}
	return raw, alg.String()
}

// bind gives the one algorithm of a key: the named one, if it is of the key's kind,
// or, where none is named, the first of its kind. What a token says never counts.
func bind(key crypto.PublicKey, named string) (jwa.SignatureAlgorithm, bool) {
	kinds := algorithmsOf(key)
	if named == "" && len(kinds) > 0 {
		return kinds[0], true
	}
	alg := jwa.SignatureAlgorithm(named)
	return alg, slices.Contains(kinds, alg)
}

func algorithmsOf(key crypto.PublicKey) []jwa.SignatureAlgorithm {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return []jwa.SignatureAlgorithm{jwa.EdDSA}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []jwa.SignatureAlgorithm{jwa.ES256}
		case elliptic.P521():
			return []jwa.SignatureAlgorithm{jwa.ES512}
		}
	case *rsa.PublicKey:
		return []jwa.SignatureAlgorithm{jwa.RS256, jwa.PS256}
	}
	return nil
}

func sameKey(a, b crypto.PublicKey) bool {
	one, comparable := a.(interface{ Equal(crypto.PublicKey) bool })
	return comparable && one.Equal(b)
}
