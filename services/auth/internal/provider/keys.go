package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// leastRSA is the size of the smallest RSA key that is believed, in bits.
const leastRSA = 2048

// keys verify signatures with a provider's key set. A token that no key fits is
// a reason to fetch the set again, once in a while: the provider may have a new
// key, and some put it under the old one's name.
type keys struct{ set *kept[*oidc.StaticKeySet] }

// VerifySignature is oidc.KeySet.
func (k keys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	set, version, err := k.set.get(ctx)
	if err != nil {
		return nil, err
	}
	payload, err := set.VerifySignature(ctx, jwt)
	if err == nil {
		return payload, nil
	}
	set, fresh := k.set.renew(ctx, version)
	if !fresh {
		return nil, err
	}
	return set.VerifySignature(ctx, jwt)
}

// readKeys takes the public keys for signatures out of a set.
func readKeys(text json.RawMessage) (*oidc.StaticKeySet, error) {
	set, err := jwk.Parse(text, jwk.WithIgnoreParseError(true))
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	out := &oidc.StaticKeySet{}
	for i := range set.Len() {
		key, _ := set.Key(i)
		var raw any
		if key.KeyUsage() != "" && key.KeyUsage() != "sig" || key.Raw(&raw) != nil {
			continue
		}
		switch public := raw.(type) {
		case *rsa.PublicKey:
			if public.N.BitLen() >= leastRSA {
				out.PublicKeys = append(out.PublicKeys, public)
			}
		case *ecdsa.PublicKey, ed25519.PublicKey:
			out.PublicKeys = append(out.PublicKeys, public)
		}
	}
	if len(out.PublicKeys) == 0 {
		return nil, errors.New("key set: there is no key for signatures")
	}
	return out, nil
}
