package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// palette is for names; red and yellow mean trouble.
var palette = []string{"\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[32m", "\x1b[96m", "\x1b[95m", "\x1b[94m"}

// fixed gives the five services colours that differ; the others get one by their name.
var fixed = map[string]string{"gateway": palette[0], "auth": palette[1], "storage": palette[2], "webhook": palette[3], "web": palette[4]}

func (s *Stream) paint(colour, text string) string {
	if !s.colour || colour == "" {
		return text
	}
	return colour + text + reset
}

func colourOf(name string) string {
	if c, ok := fixed[name]; ok {
		return c
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return palette[h.Sum32()%uint32(len(palette))]
}

// format turns one line into "15:04:05.000 auth     INFO  what happened key=value". A line that is no JSON stays as it is.
func (s *Stream) format(name string, line []byte) string {
	head := s.paint(colourOf(name), fmt.Sprintf("%-8s", name))
	fields, ok := decode(line)
	if !ok {
		return fmt.Sprintf("%s %s %s", s.paint(dim, time.Now().Format("15:04:05.000")), head, printable(line))
	}
	level := fields.take("level")
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %s", s.paint(dim, clock(fields.take("time"))), head,
		s.paint(levelColour(level), fmt.Sprintf("%-5s", level)), fields.take("msg"))
	fields.take("service")
	for _, f := range fields {
		fmt.Fprintf(&b, " %s%s", s.paint(dim, f.key+"="), f.value)
	}
	return b.String()
}

func levelColour(level string) string {
	switch level {
	case "ERROR":
		return red
	case "WARN":
		return yellow
	}
	return ""
}

func clock(stamp string) string {
	t, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		t = time.Now()
	}
	return t.Local().Format("15:04:05.000")
}

type field struct{ key, value string }

// fields keeps the order in which they were written.
type fields []field

func (f *fields) take(key string) string {
	for i, x := range *f {
		if x.key == key {
			*f = append((*f)[:i:i], (*f)[i+1:]...)
			return strings.Trim(x.value, `"`)
		}
	}
	return ""
}

// decode reads the top level of a JSON object; values that are objects stay JSON.
func decode(line []byte) (fields, bool) {
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var out fields
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		out = append(out, field{fmt.Sprint(key), plain(value)})
	}
	return out, true
}

// plain drops the quotes of a text without spaces.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && text != "" && !strings.ContainsAny(text, " \"\n\t") {
		return printable([]byte(text))
	}
	return printable(value)
}

// printable drops control characters: a log line must not move the cursor.
func printable(line []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r <= 0x9f {
			return -1
		}
		return r
	}, string(line))
}
