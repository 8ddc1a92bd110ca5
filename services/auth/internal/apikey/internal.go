package apikey

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// InternalRoutes names every operation of this feature for other services.
func (k *Keys) InternalRoutes(api huma.API) {
	op := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: "/internal/v1/api-keys" + path, Summary: summary, Tags: []string{"internal"},
			Middlewares: huma.Middlewares{httpapi.Internal(k.Services)}, Errors: append([]int{401}, errors...),
		}
	}
	httpapi.Register(api, op("internalExchangeApiKey", http.MethodPost, "/exchange", "An access token for an API key, for the gateway", 403, 429), k.exchange)
	httpapi.Register(api, op("internalVerifyApiKey", http.MethodPost, "/verify", "Whether an API key is good and allows something; counts as a use"), k.verify)
	httpapi.Register(api, op("internalCreateApiKey", http.MethodPost, "", "Make a key with what its owner cannot set", 400, 404), k.internalCreate)
	httpapi.Register(api, op("internalUpdateApiKey", http.MethodPatch, "/{id}", "Change what a key's owner cannot set", 400, 404), k.internalUpdate)
}

type exchangeInput struct {
	Body struct {
		Key string `json:"key" maxLength:"512"`
	}
}

type exchangeOutput struct {
	Body struct {
		JWT       string    `json:"jwt"`
		ExpiresAt time.Time `json:"expires_at"`
		UserID    string    `json:"user_id"`
		KeyID     string    `json:"key_id"`
	}
}

// exchange gives the gateway a short token, whose session is named after the key.
// Every reason for a "no" but a spent limit is one "no": the gateway believes it.
func (k *Keys) exchange(ctx context.Context, in *exchangeInput) (*exchangeOutput, error) {
	key, owner, err := k.use(ctx, nil, in.Body.Key, nil)
	if err != nil {
		var p *problem.Problem
		if errors.As(err, &p) && p.Status != http.StatusTooManyRequests {
			return nil, ErrInvalid
		}
		return nil, err
	}
	until := k.Now().Add(keyLife)
	if key.ExpiresAt != nil {
		until = *key.ExpiresAt
	}
	live := k.Sessions.OfKey(owner, key.ID, in.Body.Key, nil, until)
	issued, err := k.Issuer.For(ctx, live)
	if err != nil {
		return nil, err
	}
	out := &exchangeOutput{}
	out.Body.JWT, out.Body.ExpiresAt = issued.JWT, issued.ExpiresAt.UTC()
	out.Body.UserID, out.Body.KeyID = owner.ID, key.ID
	return out, nil
}

type verifyInput struct {
	Body struct {
		Key         string              `json:"key" maxLength:"512"`
		Permissions map[string][]string `json:"permissions,omitempty" doc:"What the key has to allow: actions by resource"`
	}
}

type verifyOutput struct {
	Body struct {
		Valid bool          `json:"valid"`
		Error *wire.Refusal `json:"error"`
		Key   *KeyView      `json:"key"`
	}
}

func (k *Keys) verify(ctx context.Context, in *verifyInput) (*verifyOutput, error) {
	out := &verifyOutput{}
	key, _, err := k.use(ctx, nil, in.Body.Key, in.Body.Permissions)
	var p *problem.Problem
	switch {
	case errors.As(err, &p):
		refusal := wire.Spoken(p)
		out.Body.Error = &refusal
	case err != nil:
		return nil, err
	default:
		view := key.View()
		out.Body.Valid, out.Body.Key = true, &view
	}
	return out, nil
}

type internalCreateInput struct {
	Body struct {
		UserID      validation.UserID   `json:"user_id" maxLength:"64"`
		Name        *string             `json:"name,omitempty"`
		Prefix      *string             `json:"prefix,omitempty"`
		ExpiresIn   *int64              `json:"expires_in,omitempty" minimum:"1" maximum:"3153600000" doc:"Seconds"`
		Permissions map[string][]string `json:"permissions,omitempty"`
		Metadata    map[string]any      `json:"metadata,omitempty"`
		Limits      *KeyLimits          `json:"limits,omitempty"`
	}
}

type keyOutput struct {
	Body KeyView
}

type madeOutput struct {
	Body MadeKey
}

func (k *Keys) internalCreate(ctx context.Context, in *internalCreateInput) (*madeOutput, error) {
	b := in.Body
	key := Key{UserID: b.UserID.String(), Name: b.Name, Prefix: b.Prefix, Permissions: raw(b.Permissions), Metadata: raw(b.Metadata)}
	if err := key.check(); err != nil {
		return nil, err
	}
	for _, object := range []*json.RawMessage{&key.Permissions, &key.Metadata} {
		kept, ok := wire.Storable(*object)
		if *object != nil && !ok {
			return nil, wire.Invalid("body", "Invalid input: it holds what cannot be kept")
		}
		*object = kept
	}
	if b.ExpiresIn != nil {
		end := wire.Moment(k.Now().Add(time.Duration(*b.ExpiresIn) * time.Second))
		key.ExpiresAt = &end
	}
	if l := b.Limits; l != nil {
		key.RateLimitEnabled, key.RateLimitWindow, key.RateLimitMax = l.RateLimitEnabled, l.RateLimitWindow, l.RateLimitMax
		key.Remaining, key.RefillInterval, key.RefillAmount = l.Remaining, l.RefillInterval, l.RefillAmount
	}
	made, text, err := k.create(ctx, nil, key, nil)
	if err != nil {
		return nil, err
	}
	return &madeOutput{MadeKey{made.View(), text}}, nil
}

// raw writes an object for its column; nil for an empty one.
func raw[V any](object map[string]V) json.RawMessage {
	if len(object) == 0 {
		return nil
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil // it was JSON a moment ago
	}
	return text
}

type internalUpdateInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Enabled     *bool                `json:"enabled,omitempty"`
		Permissions *map[string][]string `json:"permissions,omitempty"`
		Limits      *KeyLimits           `json:"limits,omitempty"`
	}
}

func (k *Keys) internalUpdate(ctx context.Context, in *internalUpdateInput) (*keyOutput, error) {
	if !wire.RowID(in.ID) {
		return nil, ErrUnknown
	}
	change := Change{Enabled: in.Body.Enabled, Limits: in.Body.Limits}
	if in.Body.Permissions != nil {
		change.SetPermissions, change.Permissions = true, raw(*in.Body.Permissions)
	}
	key, err := k.update(ctx, nil, "", in.ID, change, nil)
	if err != nil {
		return nil, err
	}
	return &keyOutput{key.View()}, nil
}
