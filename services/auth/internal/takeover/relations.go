package takeover

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/field"
	"github.com/codex-platform/codex/services/auth/internal/passkey"
	"github.com/codex-platform/codex/services/auth/internal/twofactor"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// leftOut is why a row is not taken, in words for the report.
type leftOut string

func (l leftOut) Error() string { return string(l) }

// columns are a row of ours, by column.
type columns map[string]any

func (c columns) text(column string) string {
	text, _ := c[column].(string)
	return text
}

// relation is how one table of the source becomes one of ours.
type relation struct {
	name string // folded, in the singular
	into string
	// key finds our row again; "id" where it is "".
	key string
	// owned: the row goes with a person, who must have been taken.
	owned bool
	// wanted is a further condition on the owner u.
	wanted string
	// unwanted says why a row that is not wanted is left out.
	unwanted string
	// timeless: the source does not say when it was made.
	timeless bool
	// ours are the columns that stay as they are where ours was changed here.
	ours []string
	// keep are the columns that a later run does not change.
	keep []string
	// newer is the condition on which a later run changes a row: t is ours, s the source's.
	newer string
	// guard is a further condition of that change.
	guard   string
	convert func(m mapper, r Row) (columns, error)
}

// keyed is the column that finds our row again.
func (r relation) keyed() string { return cmp.Or(r.key, "id") }

// notEnded holds for a session that began after all that ends a person's sessions
// here; the record has it, and outlives sessions.
const notEnded = ` AND NOT EXISTS (
	SELECT FROM better_auth.audit_events e
	WHERE e.user_id = s.user_id AND e.outcome = 'success' AND e.at >= s.created_at AND (
		e.kind IN ('password_reset', 'user_ban')
		OR e.kind = 'password_change' AND (e.details->>'by' = 'administrator' OR e.details->>'sessions' IS NOT NULL)
		OR e.kind = 'session_revoke' AND e.details->>'reason' IN ('all revoked', 'others revoked', 'all revoked by an administrator')))`

// begun tells whether a row began since the finished run before. One that begins
// in the future cannot tell, and a session that was ended here must not come back.
func (r relation) begun(row Row, since, now time.Time) bool {
	at := row.moment("createdat")
	return at.After(since) && (r.into != "sessions" || !at.After(now))
}

// relations are in the order of dependence.
var relations = []relation{
	{name: "user", into: "users", newer: "t.updated_at < s.updated_at", convert: mapper.user, ours: []string{"role", "banned", "ban_reason", "ban_expires_at", "two_factor_enabled"},
		guard: `NOT EXISTS (SELECT FROM better_auth.users o WHERE o.id <> s.id AND (o.email = s.email OR o.username = s.username))`},
	{name: "account", into: "accounts", owned: true, newer: "t.updated_at < s.updated_at", convert: mapper.account, keep: []string{"provider_id", "account_id", "user_id"}},
	{name: "session", into: "sessions", owned: true, wanted: notEnded, unwanted: "its person has a new password or ended all sessions here since it began, or was not taken",
		newer: "t.updated_at < s.updated_at", convert: mapper.session, keep: []string{"handle", "token_hash", "user_id", "remember"}},
	{name: "twofactor", into: "two_factors", owned: true, timeless: true, wanted: ` AND u.two_factor_enabled`, convert: mapper.twoFactor},
	{name: "passkey", into: "passkeys", owned: true, newer: "t.counter < s.counter", convert: mapper.passkey, keep: []string{"credential_id", "public_key", "user_id"}},
	{name: "apikey", into: "api_keys", owned: true, newer: "t.updated_at < s.updated_at", convert: mapper.apiKey, keep: []string{"key_hash", "user_id"}},
	{name: "jwks", into: "jwks", convert: mapper.signingKey},
	{name: "verification", into: "verification_tokens", key: "token_hash", owned: true, convert: mapper.resetToken},
}

// of finds the relation for a table, which may be spelled in the plural.
func of(table string) *relation {
	name := folded(table)
	for i := range relations {
		if n := relations[i].name; name == n || name == n+"s" {
			return &relations[i]
		}
	}
	return nil
}

// mapper turns rows into ours. from opens what the source sealed, to seals it anew.
type mapper struct {
	from, to security.Keyring
	now      time.Time
	// known tells whether there is a role of this name; nil: all are.
	known func(role string) bool
	// say hears what is taken otherwise than it is there.
	say func(what string)
	// inUse tells whether a row of the source has this address exactly.
	inUse func(column, address string) (bool, error)
	// userFields and sessionFields are additional fields, by folded name.
	userFields, sessionFields map[string]field.Field
}

// opaque accepts an id: it is kept, so it must fit.
func opaque(id string) error {
	if _, err := validation.ParseUserID(id); err != nil {
		return leftOut("an id that is longer than 64 bytes or not plain text")
	}
	return nil
}

func (m mapper) user(r Row) (columns, error) {
	email, err := validation.ParseEmail(r.text("email"))
	if err != nil {
		return nil, leftOut("an address that is none")
	}
	if r.text("email") != email.String() {
		used, err := m.inUse(r.names["email"], email.String())
		switch {
		case err != nil:
			return nil, err
		case used: // the source looks addresses up in small letters
			return nil, leftOut("an address in capitals that another account has in small letters: nobody signs in to it by address")
		}
	}
	made, changed := m.times(r)
	return columns{
		"id": r.text("id"), "name": r.text("name"), "email": email.String(), "email_verified": r.flag("emailverified"), "image": m.image(r),
		"role": m.role(r), "banned": r.flag("banned"), "ban_reason": r.optional("banreason"), "ban_expires_at": r.when("banexpires"),
		"two_factor_enabled": r.flag("twofactorenabled"), "is_anonymous": r.flag("isanonymous"),
		"username": lower(r.optional("username")), "display_username": r.optional("displayusername"),
		"extra": m.others(r, "id", "name", "email", "emailverified", "image", "role", "banned", "banreason", "banexpires", "twofactorenabled",
			"isanonymous", "username", "displayusername", "createdat", "updatedat"),
		"created_at": made, "updated_at": changed,
	}, opaque(r.text("id"))
}

// others gives the columns that are not among these: those that are fields under the
// fields' names, the rest under their own.
func (m mapper) others(r Row, known ...string) map[string]any {
	rest := m.fields(r, m.userFields)
	for column, value := range r.values {
		if _, ok := m.userFields[column]; !ok && value != nil && !slices.Contains(known, column) {
			rest[r.names[column]] = value
		}
	}
	return rest
}

// fields gives the columns that are fields, dates as fields have them: a client
// would read one without a zone in its own.
func (m mapper) fields(r Row, fields map[string]field.Field) map[string]any {
	some := map[string]any{}
	for column, one := range fields {
		at := r.moment(column)
		switch {
		case !r.has(column):
		case one.Kind != field.Date:
			some[one.Name] = r.values[column]
		case at.IsZero():
			m.say("without the field " + strconv.Quote(one.Name) + ", which holds no date")
		default:
			some[one.Name] = wire.Time(at)
		}
	}
	return some
}

// The longest texts of a person that are taken, in bytes: they go into every
// session and token of theirs.
const (
	longestImage = 2048
	longestRole  = 255
)

// image takes what pages can show as a picture: what update-user takes too.
func (m mapper) image(r Row) any {
	address := r.text("image")
	if len(address) > longestImage || !wire.Picture(address) {
		m.say("without the image, which is no http address of a picture")
		return nil
	}
	return r.optional("image")
}

// role keeps roles that ADMIN_ROLES does not name: they allow nothing, and a
// product's own services may know them.
func (m mapper) role(r Row) string {
	list := r.text("role")
	switch {
	case list == "":
		return user.RoleUser
	case len(list) > longestRole || strings.ContainsFunc(list, unicode.IsControl):
		m.say("as \"user\", for the role is no name of one")
		return user.RoleUser
	}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); m.known != nil && !m.known(name) {
			m.say("with the role " + strconv.Quote(name) + ", which ADMIN_ROLES does not name: it allows nothing here")
		}
	}
	return list
}

func lower(v any) any {
	if text, ok := v.(string); ok {
		return strings.ToLower(text)
	}
	return v
}

// times gives when a row was made and last changed, which is not in the future:
// what was changed here later would count as older.
func (m mapper) times(r Row) (made, changed time.Time) {
	made, changed = r.moment("createdat"), r.moment("updatedat")
	if made.IsZero() {
		made = m.now
	}
	if changed.IsZero() {
		changed = made
	}
	return earlier(made, m.now), earlier(changed, m.now)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (m mapper) account(r Row) (columns, error) {
	made, changed := m.times(r)
	c := columns{
		"id": r.text("id"), "user_id": r.text("userid"), "provider_id": r.text("providerid"), "account_id": r.text("accountid"), "password": nil,
		"access_token_expires_at": r.when("accesstokenexpiresat"), "refresh_token_expires_at": r.when("refreshtokenexpiresat"), "scope": r.optional("scope"),
		"created_at": made, "updated_at": changed,
	}
	for column, from := range map[string]string{"access_token": "accesstoken", "refresh_token": "refreshtoken", "id_token": "idtoken"} {
		sealed, err := m.token(r.text(from))
		if err != nil {
			return nil, err
		}
		c[column] = sealed
	}
	if c["provider_id"] == "credential" {
		hash := r.text("password")
		if !security.KnownHash(hash) {
			return nil, leftOut("a password whose form of hash is not known: its owner sets a new one by mail")
		}
		c["password"], c["account_id"] = hash, c["user_id"]
	}
	return c, opaque(r.text("id"))
}

// token seals a provider's token, which the source keeps in clear or sealed.
func (m mapper) token(text string) (any, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // null is the value
	}
	clear := []byte(text)
	if opened, err := m.from.Decrypt(text); err == nil {
		clear = opened
	}
	return m.to.Encrypt(clear)
}

// browserDay is how long the source's sessions without "remember me" last; it
// keeps no other sign of them.
const browserDay = 24 * time.Hour

func (m mapper) session(r Row) (columns, error) {
	made, changed := m.times(r)
	if r.moment("createdat").After(m.now) { // it would be fresh until then, and outlive SESSION_MAX_AGE
		m.say("as begun now, for it begins in the future")
	}
	ends := r.moment("expiresat")
	switch {
	case r.text("token") == "":
		return nil, leftOut("a session without token")
	case !ends.After(m.now):
		return nil, leftOut("a session that is over")
	}
	return columns{
		"id": r.text("id"), "user_id": r.text("userid"), "token_hash": bytea(security.HashToken(r.text("token"))), "handle": security.NewID(),
		"remember": ends.Sub(changed) > browserDay, "ip_address": r.text("ipaddress"), "user_agent": r.text("useragent"),
		"impersonated_by": r.optional("impersonatedby"), "extra": m.fields(r, m.sessionFields), "created_at": made, "updated_at": changed, "expires_at": ends,
	}, opaque(r.text("id"))
}

// bytea is PostgreSQL's text of bytes.
func bytea(b []byte) string { return `\x` + hex.EncodeToString(b) }

// sealed opens a text with the source's secret and seals it with ours.
func (m mapper) sealed(text string) (string, []byte, error) {
	clear, err := m.from.Decrypt(text)
	if err != nil {
		return "", nil, leftOut("sealed with another secret than --secret")
	}
	fresh, err := m.to.Encrypt(clear)
	return fresh, clear, err
}

func (m mapper) twoFactor(r Row) (columns, error) {
	secret, _, err := m.sealed(r.text("secret"))
	if err != nil {
		return nil, err
	}
	codes, err := m.backupCodes(r.text("backupcodes"))
	if err != nil {
		return nil, err
	}
	return columns{
		"id": r.text("id"), "user_id": r.text("userid"), "secret": secret, "backup_codes": codes,
		"verified": !r.has("verified") || r.flag("verified"), "failures": wrongCodes(r), "locked_until": m.locked(r), "created_at": m.now, "updated_at": m.now,
	}, opaque(r.text("id"))
}

// backupCodes seals a list that the source sealed, or keeps in clear.
func (m mapper) backupCodes(text string) (string, error) {
	sealed, clear, err := m.sealed(text)
	var list []string
	switch {
	case err == nil && json.Unmarshal(clear, &list) == nil:
		return sealed, nil
	case json.Unmarshal([]byte(text), &list) == nil:
		return m.to.Encrypt([]byte(text))
	}
	m.say("without the backup codes, which cannot be read: their owner makes new ones")
	return "", nil
}

// wrongCodes goes on with the count of a guesser, who is not locked out by it alone.
func wrongCodes(r Row) int64 {
	n, _ := r.number("failedverificationcount", int64(0)).(int64)
	return min(max(n, 0), twofactor.InARow-1)
}

// locked is a lock that lasts no longer than ours.
func (m mapper) locked(r Row) any {
	until := r.moment("lockeduntil")
	if !until.After(m.now) {
		return nil
	}
	if longest := m.now.Add(twofactor.LockTime); until.After(longest) {
		return longest
	}
	return until
}

func (m mapper) passkey(r Row) (columns, error) {
	id, errID := decode(r.text("credentialid"))
	key, errKey := decode(r.text("publickey"))
	if errID != nil || errKey != nil || len(id) == 0 || len(key) == 0 {
		return nil, leftOut("a passkey that cannot be read")
	}
	if passkey.Sound(key) != nil {
		return nil, leftOut("a passkey whose public key is none, or a weak one")
	}
	made, _ := m.times(r)
	return columns{
		"id": r.text("id"), "user_id": r.text("userid"), "name": r.optional("name"), "credential_id": bytea(id), "public_key": bytea(key),
		"counter": r.number("counter", int64(0)), "device_type": r.text("devicetype"), "backed_up": r.flag("backedup"),
		"transports": r.text("transports"), "aaguid": r.optional("aaguid"), "created_at": made,
	}, opaque(r.text("id"))
}

// decode reads base64 of either alphabet, with or without padding.
func decode(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	return base64.RawStdEncoding.DecodeString(text)
}

func (m mapper) apiKey(r Row) (columns, error) {
	hash, err := decode(r.text("key"))
	if err != nil || len(hash) != 32 {
		return nil, leftOut("an API key that is not kept as SHA-256")
	}
	owner := r.text("referenceid")
	if owner == "" {
		owner = r.text("userid") // before 1.7
	}
	config := r.text("configid")
	if config == "" {
		config = "default"
	}
	made, changed := m.times(r)
	return columns{
		"id": r.text("id"), "user_id": owner, "config_id": config, "name": r.optional("name"), "start": r.optional("start"), "prefix": r.optional("prefix"),
		"key_hash": bytea(hash), "enabled": !r.has("enabled") || r.flag("enabled"), "rate_limit_enabled": !r.has("ratelimitenabled") || r.flag("ratelimitenabled"),
		"rate_limit_window_ms": r.number("ratelimittimewindow", int64(24*time.Hour/time.Millisecond)), "rate_limit_max": r.number("ratelimitmax", int64(10)),
		"request_count": r.number("requestcount", int64(0)), "remaining": r.number("remaining", nil), "refill_interval_ms": r.number("refillinterval", nil),
		"refill_amount": r.number("refillamount", nil), "last_refill_at": r.when("lastrefillat"), "last_request_at": r.when("lastrequest"),
		"expires_at": r.when("expiresat"), "permissions": r.document("permissions"), "metadata": r.document("metadata"), "created_at": made, "updated_at": changed,
	}, opaque(r.text("id"))
}

// inClear tells whether a signing key is one that the source was told not to seal.
func inClear(key string) bool { return strings.HasPrefix(key, "{") }

// signingKey takes a key as one that does not sign any more: tokens that exist go
// on verifying, and new ones are signed with a key of our own.
func (m mapper) signingKey(r Row) (columns, error) {
	text := strings.Trim(r.text("privatekey"), `"`)
	sealed, clear, err := m.sealed(text)
	if inClear(text) {
		clear = []byte(text)
		sealed, err = m.to.Encrypt(clear)
	}
	if err != nil {
		return nil, err
	}
	var private, public struct {
		Alg string `json:"alg"`
		Kty string `json:"kty"`
		Crv string `json:"crv"`
	}
	if err := errors.Join(json.Unmarshal(clear, &private), json.Unmarshal([]byte(r.text("publickey")), &public)); err != nil {
		return nil, leftOut("a signing key that cannot be read")
	}
	alg := map[string]string{"Ed25519": "EdDSA", "P-256": "ES256", "P-521": "ES512"}[public.Crv]
	if named := cmp.Or(r.text("alg"), "RS256"); public.Kty == "RSA" && (named == "RS256" || named == "PS256") {
		alg = named
	}
	if alg == "" {
		return nil, leftOut("a signing key of an algorithm that our verifiers do not take")
	}
	made, _ := m.times(r)
	return columns{
		"id": r.text("id"), "alg": alg, "crv": public.Crv, "public_key": r.text("publickey"), "private_key": `"` + sealed + `"`,
		"status": "retired", "created_at": made, "activated_at": made, "retired_at": m.now,
	}, opaque(r.text("id"))
}

// resetPrefix begins the identifier of a pending reset.
const resetPrefix = "reset-password:"

// resetToken takes pending resets; whatever else is pending lasts for minutes, or
// can be asked for again.
func (m mapper) resetToken(r Row) (columns, error) {
	token, ok := strings.CutPrefix(r.text("identifier"), resetPrefix)
	switch {
	case !ok:
		return nil, leftOut("something pending that is asked for again")
	case !r.moment("expiresat").After(m.now):
		return nil, leftOut("a reset link that is over")
	}
	made, _ := m.times(r)
	return columns{
		"token_hash": bytea(security.HashToken(token)), "purpose": "reset-password", "user_id": r.text("value"), "created_at": made, "expires_at": r.moment("expiresat"),
	}, nil
}
