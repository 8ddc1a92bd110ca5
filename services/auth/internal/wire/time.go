package wire

import (
	"fmt"
	"time"
)

// layout is ISO 8601 in UTC with milliseconds, which the clients turn into a Date.
const layout = "2006-01-02T15:04:05.000Z"

// Time is a moment as JSON shows it.
type Time time.Time

// MarshalJSON writes the moment in UTC with milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.AppendJSON(make([]byte, 0, len(layout)+2)), nil
}

// AppendJSON is MarshalJSON into a buffer that is there.
func (t Time) AppendJSON(b []byte) []byte {
	b = append(b, '"')
	b = time.Time(t).UTC().AppendFormat(b, layout)
	return append(b, '"')
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Time) UnmarshalJSON(text []byte) error {
	at, err := time.Parse(`"`+layout+`"`, string(text))
	if err != nil {
		return fmt.Errorf("read moment: %w", err)
	}
	*t = Time(at)
	return nil
}

// Moment cuts a time to the milliseconds that are stored and shown, so that a
// row that was just written and the same row read again are equal.
func Moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
