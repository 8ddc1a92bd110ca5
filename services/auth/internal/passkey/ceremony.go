package passkey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The ceremonies, as purposes of what is kept.
const (
	registering = "passkey-registration"
	signingIn   = "passkey-sign-in"
)

const (
	challengeCookie = "better-auth-passkey"
	challengeLife   = 5 * time.Minute
	challengeBytes  = 32
)

// ceremony is what is kept of one that began.
type ceremony struct {
	Challenge string `json:"challenge"`
	Handle    []byte `json:"handle,omitempty"` // of the person who registers
	Name      string `json:"name,omitempty"`
}

// begin keeps a challenge for the browser. userID is who may answer; "" for
// whoever can.
func (p *Passkeys) begin(ctx context.Context, h *wire.Headers, purpose, userID string, x ceremony) (challenge string, err error) {
	raw := make([]byte, challengeBytes)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the process instead
	x.Challenge = base64.RawURLEncoding.EncodeToString(raw)
	id := security.Token(32)
	if err := p.Once.Put(ctx, p.Store.DB, once.Entry{Purpose: purpose, Key: id, UserID: userID, Value: x, Life: challengeLife}); err != nil {
		return "", err
	}
	p.Sessions.Cookies.Put(h, challengeCookie, id, challengeLife)
	return x.Challenge, nil
}

// end spends the browser's challenge. It is gone whatever becomes of the answer.
func (p *Passkeys) end(ctx context.Context, c *wire.Call, purpose string) (userID string, x ceremony, err error) {
	id, ok := p.Sessions.Cookies.Take(c, challengeCookie)
	if !ok {
		return "", x, ErrChallenge
	}
	kept, err := p.Once.Take(ctx, p.Store.DB, purpose, id)
	if errors.Is(err, once.ErrNone) {
		return "", x, ErrChallenge
	} else if err != nil {
		return "", x, err
	}
	return kept.UserID, x, kept.Read(&x)
}

func (p *Passkeys) state(x ceremony, handle []byte) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge: x.Challenge, UserID: handle, CredParams: algorithms,
		UserVerification: protocol.UserVerificationRequirement(p.verification()),
	}
}

// owner is a person as go-webauthn wants to see one.
type owner struct {
	handle      []byte
	credentials []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return o.handle }
func (o owner) WebAuthnName() string                       { return "" }
func (o owner) WebAuthnDisplayName() string                { return "" }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

// attested checks the answer to a registration and gives the passkey that it makes.
func (p *Passkeys) attested(response []byte, x ceremony) (Passkey, error) {
	answer, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Passkey{}, err
	}
	made, err := p.Party.CreateCredential(owner{handle: x.Handle}, p.state(x, x.Handle), answer)
	if err != nil {
		return Passkey{}, err
	}
	if err := Sound(made.PublicKey); err != nil {
		return Passkey{}, err
	}
	id, err := uuid.FromBytes(made.Authenticator.AAGUID)
	if err != nil {
		return Passkey{}, err
	}
	aaguid := id.String()
	k := Passkey{
		ID: security.NewID(), CredentialID: made.ID, PublicKey: made.PublicKey, Counter: int64(made.Authenticator.SignCount),
		DeviceType: singleDevice, BackedUp: made.Flags.BackupState, Transports: known(made.Transport), AAGUID: &aaguid,
		UserHandle: x.Handle, CreatedAt: wire.Moment(p.Now()),
	}
	if made.Flags.BackupEligible {
		k.DeviceType = multiDevice
	}
	return k, nil
}

// known lists the transports that the standard names; others are left out, for
// the list comes from the client.
func known(transports []protocol.AuthenticatorTransport) string {
	var list []string
	for _, t := range transports {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			list = append(list, string(t))
		}
	}
	return strings.Join(list, ",")
}

// asserted checks the answer to a sign-in with a passkey and gives what the
// authenticator says of itself. The counter is left to Store.Use.
func (p *Passkeys) asserted(answer *protocol.ParsedCredentialAssertionData, x ceremony, k Passkey) (counter int64, backedUp bool, err error) {
	handle := k.UserHandle
	if handle == nil { // imported: its credential id alone says whose it is
		handle = answer.Response.UserHandle
	}
	o := owner{handle, []webauthn.Credential{{
		ID: k.CredentialID, PublicKey: k.PublicKey,
		Flags: webauthn.CredentialFlags{BackupEligible: k.DeviceType == multiDevice},
	}}}
	if _, err := p.Party.ValidateLogin(o, p.state(x, handle), answer); err != nil {
		return 0, false, err
	}
	said := answer.Response.AuthenticatorData
	return int64(said.Counter), said.Flags.HasBackupState(), nil
}
