package takeover

import (
	"context"
	"errors"
	"strings"
)

// errSecret stops a run before it writes: it would leave second factors behind, and
// take sealed tokens of providers for clear ones.
var errSecret = errors.New("--secret opens nothing of what that server sealed in its tables of second factors and signing keys: it is not its BETTER_AUTH_SECRET. " +
	"Name the right one, and with a comma those it had before. Rows that no secret opens are of no use there either: delete them if it was lost")

// sealing are the columns that say whether a secret is the source's, by relation.
var sealing = map[string]string{"twofactor": "secret", "jwks": "privatekey"}

// secretFits looks whether the secret opens anything, where anything is sealed.
func (t *Takeover) secretFits(ctx context.Context, found map[string]string) error {
	var sealed int
	for relation, column := range sealing {
		if found[relation] == "" {
			continue
		}
		rows, err := t.Source.Rows(ctx, found[relation], "", batch)
		if err != nil {
			return err
		}
		for _, row := range rows {
			text := strings.Trim(row.text(column), `"`)
			if text == "" || inClear(text) {
				continue
			}
			if _, err := t.From.Decrypt(text); err == nil {
				return nil
			}
			sealed++
		}
	}
	if sealed > 0 {
		return errSecret
	}
	return nil
}
