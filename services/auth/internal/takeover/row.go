package takeover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Row is one row of the source: its values by folded column name, numbers as
// json.Number.
type Row struct {
	values map[string]any
	names  map[string]string // as the columns are spelled
}

func readRow(r io.Reader) (Row, error) {
	d := json.NewDecoder(r)
	d.UseNumber()
	var raw map[string]any
	if err := d.Decode(&raw); err != nil {
		return Row{}, errors.New("not a row of columns")
	}
	row := Row{values: map[string]any{}, names: map[string]string{}}
	for name, value := range raw {
		row.values[folded(name)], row.names[folded(name)] = value, name
	}
	if row.text("id") == "" {
		return Row{}, errors.New("a row without id")
	}
	return row, nil
}

// text gives a column as text, "" for null and for one that is not there.
func (r Row) text(column string) string {
	switch v := r.values[column].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// optional gives text, nil for null and for "".
func (r Row) optional(column string) any {
	if v := r.text(column); v != "" {
		return v
	}
	return nil
}

func (r Row) has(column string) bool { return r.values[column] != nil }

func (r Row) flag(column string) bool {
	switch v := r.values[column].(type) {
	case bool:
		return v
	case json.Number: // adapters without booleans
		return v.String() != "0"
	case string: // exports of tables without types
		yes, err := strconv.ParseBool(v)
		return err == nil && yes
	}
	return false
}

// number gives a whole number, or the fallback for null.
func (r Row) number(column string, fallback any) any {
	if v, ok := r.values[column].(json.Number); ok {
		if n, err := v.Int64(); err == nil {
			return n
		}
	}
	return fallback
}

// The forms of times: PostgreSQL's with and without zone, JavaScript's, days. One
// without a zone is UTC.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", time.DateOnly}

// moment gives a time, the zero time for null and for what is none, or can be
// neither stored nor shown: a year of five digits.
func (r Row) moment(column string) time.Time {
	if t := r.time(column); t.Year() <= 9999 {
		return t
	}
	return time.Time{}
}

func (r Row) time(column string) time.Time {
	switch v := r.values[column].(type) {
	case string:
		for _, form := range timeForms {
			if t, err := time.Parse(form, v); err == nil {
				return t.UTC()
			}
		}
	case json.Number: // milliseconds
		if n, err := v.Int64(); err == nil {
			return time.UnixMilli(n).UTC()
		}
	}
	return time.Time{}
}

// when is moment for JSON: null for the zero time.
func (r Row) when(column string) any {
	if t := r.moment(column); !t.IsZero() {
		return t
	}
	return nil
}

// document gives a column that holds JSON, or JSON in a text.
func (r Row) document(column string) any {
	text, ok := r.values[column].(string)
	if !ok {
		return r.values[column]
	}
	var v any
	if strings.TrimSpace(text) == "" || json.Unmarshal([]byte(text), &v) != nil {
		return nil
	}
	if again, ok := v.(string); ok { // some adapters write it twice
		var inner any
		if json.Unmarshal([]byte(again), &inner) == nil {
			return inner
		}
	}
	return v
}
