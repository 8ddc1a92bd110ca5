package passkey

import (
	"encoding/base64"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// timeout is how many milliseconds a browser gives a person; what counts is how
// long the challenge is kept.
const timeout = 60_000

// algorithms are the signatures that are taken, the best first.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// CreationOptions is the contract's PublicKeyCredentialCreationOptionsJSON.
type CreationOptions struct {
	Challenge          string          `json:"challenge"`
	RP                 RelyingParty    `json:"rp"`
	User               KeyOwner        `json:"user"`
	PubKeyCredParams   []Algorithm     `json:"pubKeyCredParams"`
	Timeout            int             `json:"timeout"`
	Attestation        string          `json:"attestation"`
	ExcludeCredentials []Descriptor    `json:"excludeCredentials"`
	Selection          Selection       `json:"authenticatorSelection"`
	Extensions         map[string]bool `json:"extensions"`
	Hints              []string        `json:"hints"`
}

// RelyingParty is whom a passkey is for.
type RelyingParty struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// KeyOwner is whose a passkey is, as the authenticator shows it.
type KeyOwner struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

// Algorithm is a signature that is taken.
type Algorithm struct {
	Alg  int    `json:"alg"`
	Type string `json:"type"`
}

// Descriptor names a passkey that exists.
type Descriptor struct {
	ID         string   `json:"id"`
	Type       string   `json:"type"`
	Transports []string `json:"transports,omitempty"`
}

// Selection says what is wanted of the authenticator.
type Selection struct {
	Attachment         string `json:"authenticatorAttachment,omitempty"`
	ResidentKey        string `json:"residentKey"`
	UserVerification   string `json:"userVerification"`
	RequireResidentKey bool   `json:"requireResidentKey"`
}

// RequestOptions is the contract's PublicKeyCredentialRequestOptionsJSON.
type RequestOptions struct {
	RPID             string       `json:"rpId"`
	Challenge        string       `json:"challenge"`
	Timeout          int          `json:"timeout"`
	UserVerification string       `json:"userVerification"`
	AllowCredentials []Descriptor `json:"allowCredentials,omitempty"`
}

func (p *Passkeys) creation(challenge string, handle []byte, name, attachment string, u user.User, existing []Passkey) CreationOptions {
	o := CreationOptions{
		Challenge: challenge, RP: RelyingParty{p.Party.Config.RPDisplayName, p.Party.Config.RPID},
		User:    KeyOwner{base64.RawURLEncoding.EncodeToString(handle), u.Email, u.Email},
		Timeout: timeout, Attestation: "none", ExcludeCredentials: descriptors(existing),
		Selection:  Selection{attachment, "preferred", p.verification(), false},
		Extensions: map[string]bool{"credProps": true}, Hints: []string{},
	}
	if name != "" {
		o.User.Name = name
	}
	for _, a := range algorithms {
		o.PubKeyCredParams = append(o.PubKeyCredParams, Algorithm{int(a.Algorithm), string(a.Type)})
	}
	return o
}

func descriptors(existing []Passkey) []Descriptor {
	list := []Descriptor{}
	for _, e := range existing {
		list = append(list, Descriptor{base64.RawURLEncoding.EncodeToString(e.CredentialID), "public-key", e.transports()})
	}
	return list
}
