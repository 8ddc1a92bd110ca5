package provider

import (
	"context"
	"net/url"
)

// leaver is a dialect whose providers may end their own session with the person.
type leaver interface {
	// leave gives where; "" where the provider does not.
	leave(ctx context.Context) (address string, err error)
}

func (d *openID) leave(ctx context.Context) (string, error) {
	doc, _, err := d.documents.get(ctx)
	return doc.EndSession, err
}

// Leave gives the address that ends the person's session at the provider and, when
// the provider knows the other address as one of ours, leads on to it; "" where
// there is none. The ID token says whose session, and that it is us who ask.
func (p *Provider) Leave(ctx context.Context, idToken, to, state string) (string, error) {
	d, can := p.dialect.(leaver)
	if !can {
		return "", nil
	}
	ctx, cancel := p.limited(ctx)
	defer cancel()
	address, err := d.leave(ctx)
	if err != nil || address == "" {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	query := u.Query()
	query.Set("client_id", p.ClientIDs[0])
	if idToken != "" {
		query.Set("id_token_hint", idToken)
	}
	if to != "" {
		query.Set("post_logout_redirect_uri", to)
		if state != "" {
			query.Set("state", state)
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}
