package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math/big"
	"testing"
)

// The COSE names of signatures.
const (
	algES256 = -7
	algEdDSA = -8
	algRS256 = -257
)

// The flags of authenticator data.
const (
	userPresent    = 1 << 0
	userVerified   = 1 << 2
	backupEligible = 1 << 3
	backedUp       = 1 << 4
	attestedData   = 1 << 6
	extensions     = 1 << 7
)

// forger is a software authenticator, byte by byte, that can answer wrongly in
// every place.
type forger struct {
	alg      int
	key      crypto.Signer
	id       []byte // of the credential
	handle   []byte // of the person
	count    uint32
	rpID     string
	flags    byte
	packed   bool    // self attestation in the place of none
	client   members // what is put over the client's data
	response members // what is put over the response's members; nil takes one away
	answer   members // what is put over the answer's members
	cose     []byte  // a public key in the place of the right one
	data     func([]byte) []byte
	object   func([]byte) []byte
	encode   func([]byte) string
}

func newForger(t testing.TB, alg int) *forger {
	t.Helper()
	f := &forger{alg: alg, id: make([]byte, 32), rpID: "localhost", flags: userPresent | userVerified, client: members{}, response: members{}, answer: members{}, encode: base64.RawURLEncoding.EncodeToString}
	_, _ = rand.Read(f.id)
	var err error
	switch alg {
	case algES256:
		f.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case algEdDSA:
		_, f.key, err = ed25519.GenerateKey(rand.Reader)
	case algRS256:
		f.key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// with is a copy that answers differently.
func (f *forger) with(change func(*forger)) *forger {
	x := *f
	x.client, x.response, x.answer = maps.Clone(f.client), maps.Clone(f.response), maps.Clone(f.answer)
	change(&x)
	return &x
}

// The parts of CBOR that authenticators speak.
func cborHead(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	}
	return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
}

func cborInt(n int) []byte {
	if n < 0 {
		return cborHead(1, uint64(-1-n))
	}
	return cborHead(0, uint64(n))
}

func cborBytes(b []byte) []byte { return append(cborHead(2, uint64(len(b))), b...) }

func cborText(s string) []byte { return append(cborHead(3, uint64(len(s))), s...) }

// cborMap takes keys and values in turn, each in CBOR.
func cborMap(pairs ...[]byte) []byte {
	return append(cborHead(5, uint64(len(pairs)/2)), bytes.Join(pairs, nil)...)
}

func coseEC(alg, curve int, x, y []byte) []byte {
	return cborMap(cborInt(1), cborInt(2), cborInt(3), cborInt(alg), cborInt(-1), cborInt(curve), cborInt(-2), cborBytes(x), cborInt(-3), cborBytes(y))
}

func coseRSA(alg int, n *big.Int, e int) []byte {
	return cborMap(cborInt(1), cborInt(3), cborInt(3), cborInt(alg), cborInt(-1), cborBytes(n.Bytes()), cborInt(-2), cborBytes(big.NewInt(int64(e)).Bytes()))
}

func (f *forger) public(t testing.TB) []byte {
	t.Helper()
	switch key := f.key.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return coseEC(algES256, 1, point[1:33], point[33:])
	case ed25519.PublicKey:
		return cborMap(cborInt(1), cborInt(1), cborInt(3), cborInt(algEdDSA), cborInt(-1), cborInt(6), cborInt(-2), cborBytes(key))
	case *rsa.PublicKey:
		return coseRSA(algRS256, key.N, key.E)
	}
	return nil
}

func (f *forger) sign(t testing.TB, text []byte) []byte {
	t.Helper()
	digest, hash := sha256.Sum256(text), crypto.SHA256
	signed := digest[:]
	if f.alg == algEdDSA {
		signed, hash = text, crypto.Hash(0)
	}
	signature, err := f.key.Sign(rand.Reader, signed, hash)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// said is the client's data and the authenticator's.
func (f *forger) said(kind string, options reply, more []byte) (client, data []byte) {
	said := members{"type": kind, "challenge": options.str("challenge"), "origin": home, "crossOrigin": false}
	maps.Copy(said, f.client)
	for name, value := range said {
		if value == nil {
			delete(said, name)
		}
	}
	client, _ = json.Marshal(said)
	hash := sha256.Sum256([]byte(f.rpID))
	data = append(hash[:], f.flags)
	data = append(binary.BigEndian.AppendUint32(data, f.count), more...)
	if f.data != nil {
		data = f.data(data)
	}
	return client, data
}

func (f *forger) finish(response members) json.RawMessage {
	maps.Copy(response, f.response)
	whole := members{"id": f.encode(f.id), "rawId": f.encode(f.id), "type": "public-key", "authenticatorAttachment": "platform", "clientExtensionResults": members{}, "response": response}
	maps.Copy(whole, f.answer)
	for _, m := range []members{response, whole} {
		for name, value := range m {
			if value == nil {
				delete(m, name)
			}
		}
	}
	text, _ := json.Marshal(whole)
	return text
}

// attest answers the options of a registration.
func (f *forger) attest(t testing.TB, options reply) json.RawMessage {
	t.Helper()
	if handle, err := base64.RawURLEncoding.DecodeString(options.str("user", "id")); err == nil && len(handle) > 0 {
		f.handle = handle
	}
	key := f.cose
	if key == nil {
		key = f.public(t)
	}
	credential := append(make([]byte, 16), byte(len(f.id)>>8), byte(len(f.id)))
	credential = append(append(credential, f.id...), key...)
	signing := f.with(func(x *forger) { x.flags |= attestedData })
	client, data := signing.said("webauthn.create", options, credential)
	format, statement := "none", cborMap()
	if f.packed {
		hash := sha256.Sum256(client)
		format, statement = "packed", cborMap(cborText("alg"), cborInt(f.alg), cborText("sig"), cborBytes(f.sign(t, append(bytes.Clone(data), hash[:]...))))
	}
	object := cborMap(cborText("fmt"), cborText(format), cborText("attStmt"), statement, cborText("authData"), cborBytes(data))
	if f.object != nil {
		object = f.object(object)
	}
	return f.finish(members{"attestationObject": f.encode(object), "clientDataJSON": f.encode(client), "transports": []string{"internal"}})
}

// assert answers the options of a sign-in.
func (f *forger) assert(t testing.TB, options reply) json.RawMessage {
	t.Helper()
	client, data := f.said("webauthn.get", options, nil)
	hash := sha256.Sum256(client)
	return f.finish(members{
		"authenticatorData": f.encode(data), "clientDataJSON": f.encode(client),
		"signature": f.encode(f.sign(t, append(bytes.Clone(data), hash[:]...))), "userHandle": f.encode(f.handle),
	})
}
