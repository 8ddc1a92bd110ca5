// Package reseal seals anew what was sealed with an older secret of
// AUTH_SECRETS, so that the older one can be taken away.
package reseal

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"
)

// batch is how many rows are looked at in one statement.
const batch = 500

// Column is one that holds sealed texts.
type Column struct {
	Table, Name string
	// Key are the expressions that find a row, all text.
	Key []string
	// quoted: the text is a JSON string.
	quoted bool
}

// Columns are all that hold sealed texts, but for jobs that wait: those live for
// minutes.
var Columns = []Column{
	{Table: "accounts", Name: "access_token", Key: []string{"id"}},
	{Table: "accounts", Name: "refresh_token", Key: []string{"id"}},
	{Table: "accounts", Name: "id_token", Key: []string{"id"}},
	{Table: "two_factors", Name: "secret", Key: []string{"id"}},
	{Table: "two_factors", Name: "backup_codes", Key: []string{"id"}},
	{Table: "one_time", Name: "value", Key: []string{"purpose", "encode(key_hash, 'hex')"}},
	{Table: "jwks", Name: "private_key", Key: []string{"id"}, quoted: true},
}

// Count is what became of a column.
type Count struct {
	Current int64 // sealed with the first secret already
	Renewed int64
	Lost    int64 // opens with none of the secrets
}

// Run looks through a column. report hears how many rows it has seen.
func Run(ctx context.Context, db database.Querier, ring security.Keyring, c Column, report func(seen int64)) (Count, error) {
	var n Count
	key := "concat_ws('/', " + strings.Join(c.Key, ", ") + ")"
	for last := ""; ; {
		rows, _ := db.Query(ctx, `
			SELECT `+key+` AS key, `+c.Name+` AS sealed
			FROM better_auth.`+c.Table+`
			WHERE `+c.Name+` <> '' AND `+key+` > $1
			ORDER BY 1 LIMIT $2`, last, batch)
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		if err != nil {
			return n, fmt.Errorf("read %s.%s: %w", c.Table, c.Name, err)
		}
		if len(found) == 0 {
			return n, nil
		}
		for _, r := range found {
			if err := n.renew(ctx, db, ring, c, key, r); err != nil {
				return n, err
			}
		}
		last = found[len(found)-1].Key
		report(n.Current + n.Renewed + n.Lost)
	}
}

type row struct{ Key, Sealed string }

// renew seals one text anew, unless it was changed since it was read.
func (n *Count) renew(ctx context.Context, db database.Querier, ring security.Keyring, c Column, key string, r row) error {
	text := r.Sealed
	if c.quoted {
		text = strings.Trim(text, `"`)
	}
	clear, stale, err := ring.Open(text)
	if err != nil {
		n.Lost++
		return nil //nolint:nilerr // it is counted
	}
	if !stale {
		n.Current++
		return nil
	}
	fresh, err := ring.Encrypt(clear)
	if err != nil {
		return err
	}
	if c.quoted {
		fresh = `"` + fresh + `"`
	}
	_, err = db.Exec(ctx, `
		UPDATE better_auth.`+c.Table+` SET `+c.Name+` = $3
		WHERE `+key+` = $1 AND `+c.Name+` = $2`, r.Key, r.Sealed, fresh)
	if err != nil {
		return fmt.Errorf("renew %s.%s: %w", c.Table, c.Name, err)
	}
	n.Renewed++
	return nil
}
