package admin

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/codex-platform/codex/services/auth/internal/field"
)

// kinds are what additional fields are compared as. Dates are kept in one form, in
// which their texts have the order of the moments.
var kinds = map[field.Kind]string{
	field.Text: "text", field.Number: "numeric", field.Boolean: "boolean", field.Date: "text", field.Texts: "list", field.Numbers: "list",
}

// columnOf gives the column of this name. A field that no answer shows is none:
// filters would tell it.
func columnOf(name string, fields field.Fields) (column, bool) {
	if col, ok := columns[name]; ok {
		return col, true
	}
	one, ok := fields.Named(name)
	if !ok || one.Hidden {
		return column{}, false
	}
	return column{kind: kinds[one.Kind], field: &one}, true
}

// operand gives the column as SQL, with the arguments that it needs behind those
// that are there. A value of another kind, from before the setting was changed,
// counts as none.
func (col column) operand(args []any) (sql string, all []any) {
	if col.field == nil {
		return col.sql, args
	}
	place := func(i int) string { return "$" + strconv.Itoa(len(args)+i) }
	var fallback *string
	if col.field.Default != nil {
		text := string(col.field.Default)
		fallback = &text
	}
	value := "coalesce(u.extra -> " + place(1) + "::text, " + place(2) + "::text::jsonb)"
	args = append(args, col.field.Name, fallback)
	switch col.kind {
	case "list":
		return value, args
	case "text":
		sql = "(" + value + " #>> '{}')"
		if col.field.Kind == field.Date {
			sql += ` COLLATE "C"`
		}
		return sql, args
	case "boolean":
		return "(CASE jsonb_typeof(" + value + ") WHEN 'boolean' THEN (" + value + " #>> '{}')::boolean END)", args
	}
	return "(CASE jsonb_typeof(" + value + ") WHEN 'number' THEN (" + value + " #>> '{}')::numeric END)", args
}

// read takes a value to compare the column with, in the form in which the
// database reads it.
func (col column) read(text string) (value string, ok bool) {
	switch {
	case col.kind == "timestamptz":
		return readMoment(text)
	case col.field == nil:
		return text, col.fits(text)
	}
	switch col.field.Kind {
	case field.Date:
		return col.readDate(text)
	case field.Number, field.Numbers:
		return readNumber(text)
	case field.Texts:
		raw, err := json.Marshal(text)
		return string(raw), err == nil && col.fits(text)
	case field.Text, field.Boolean:
	}
	return text, col.fits(text)
}

// readDate gives a moment as fields keep it.
func (col column) readDate(text string) (value string, ok bool) {
	raw, err := json.Marshal(text)
	if err != nil {
		return "", false
	}
	kept, fault := col.field.Value(raw)
	ok = fault == "" && json.Unmarshal(kept, &value) == nil
	return value, ok
}

// readMoment takes a time, a day (UTC), or milliseconds as JavaScript counts them.
func readMoment(text string) (value string, ok bool) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	if ms, none := strconv.ParseInt(text, 10, 64); none == nil {
		at, err = time.UnixMilli(ms).UTC(), nil
	}
	return at.Format(time.RFC3339Nano), err == nil && at.Year() >= 0 && at.Year() <= 9999
}

// readNumber takes a number as JSON has it. One that is nothing to a float64 is 0.
func readNumber(text string) (value string, ok bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !json.Valid([]byte(text)) {
		return "", false
	}
	if n == 0 {
		return "0", true
	}
	return text, true
}

// expected says what a value must be.
func (col column) expected() string {
	switch {
	case col.kind == "timestamptz":
		return "date"
	case col.field == nil:
		return col.kind
	}
	return strings.TrimSuffix(string(col.field.Kind), "[]")
}

// holds tells whether a text can be looked for in the column's texts.
func (col column) holds() bool {
	return col.kind == "text" && (col.field == nil || col.field.Kind == field.Text)
}
