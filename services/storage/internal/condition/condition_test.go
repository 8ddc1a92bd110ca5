package condition_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/storage/internal/condition"
)

const (
	current = `"abc"`
	other   = `"xyz"`
)

// The file was changed in the middle of a second, which a header cannot say.
var modified = time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC)

func at(offset time.Duration) string { return modified.Add(offset).Format(http.TimeFormat) }

func TestRead_Check(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		read condition.Read
		want condition.Outcome
	}{
		"no condition":                              {condition.Read{}, condition.Proceed},
		"the client has it":                         {condition.Read{IfNoneMatch: current}, condition.NotModified},
		"the client has it, weakly":                 {condition.Read{IfNoneMatch: `W/"abc"`}, condition.NotModified},
		"the client has any":                        {condition.Read{IfNoneMatch: "*"}, condition.NotModified},
		"one of several":                            {condition.Read{IfNoneMatch: `"a,b" , W/"c",` + current}, condition.NotModified},
		"the client has another":                    {condition.Read{IfNoneMatch: other}, condition.Proceed},
		"no tag at all":                             {condition.Read{IfNoneMatch: "abc"}, condition.Proceed},
		"half a tag":                                {condition.Read{IfNoneMatch: `"abc`}, condition.Proceed},
		"not newer":                                 {condition.Read{IfModifiedSince: at(0)}, condition.NotModified},
		"newer":                                     {condition.Read{IfModifiedSince: at(-time.Second)}, condition.Proceed},
		"a date that is none":                       {condition.Read{IfModifiedSince: "yesterday"}, condition.Proceed},
		"the tag counts before the date":            {condition.Read{IfNoneMatch: other, IfModifiedSince: at(0)}, condition.Proceed},
		"still the same":                            {condition.Read{IfMatch: current}, condition.Proceed},
		"a weak tag proves nothing":                 {condition.Read{IfMatch: `W/"abc"`}, condition.Failed},
		"no longer the same":                        {condition.Read{IfMatch: other}, condition.Failed},
		"any will do":                               {condition.Read{IfMatch: "*"}, condition.Proceed},
		"unmodified":                                {condition.Read{IfUnmodifiedSince: at(0)}, condition.Proceed},
		"modified since":                            {condition.Read{IfUnmodifiedSince: at(-time.Second)}, condition.Failed},
		"If-Match counts before the date":           {condition.Read{IfMatch: current, IfUnmodifiedSince: at(-time.Hour)}, condition.Proceed},
		"failing counts before having it":           {condition.Read{IfMatch: other, IfNoneMatch: current}, condition.Failed},
		"matching and having it":                    {condition.Read{IfMatch: current, IfNoneMatch: current}, condition.NotModified},
		"an unreadable If-Unmodified-Since is none": {condition.Read{IfUnmodifiedSince: "x"}, condition.Proceed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.read.Check(current, modified); got != tc.want {
				t.Errorf("Check = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRead_RangeHolds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ifRange string
		now     time.Duration
		want    bool
	}{
		"nothing asked":                     {"", 0, true},
		"the same tag":                      {current, 0, true},
		"a weak tag":                        {`W/"abc"`, 0, false},
		"another tag":                       {other, 0, false},
		"the same date":                     {at(0), time.Hour, true},
		"the same date, too young to trust": {at(0), 0, false},
		"a later date is not the same":      {at(time.Second), time.Hour, false},
		"neither tag nor date":              {"x", time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := condition.Read{IfRange: tc.ifRange}
			if got := read.RangeHolds(current, modified, modified.Add(tc.now)); got != tc.want {
				t.Errorf("RangeHolds = %v", got)
			}
		})
	}
}

func TestWrite_Check(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		write condition.Write
		etag  string
		ok    bool
	}{
		"no condition, no file":         {condition.Write{}, "", true},
		"no condition, a file":          {condition.Write{}, current, true},
		"the file as seen":              {condition.Write{IfMatch: current}, current, true},
		"the file has changed":          {condition.Write{IfMatch: other}, current, false},
		"the file is gone":              {condition.Write{IfMatch: current}, "", false},
		"any file, and there is one":    {condition.Write{IfMatch: "*"}, current, true},
		"any file, and there is none":   {condition.Write{IfMatch: "*"}, "", false},
		"only a new one, and it is":     {condition.Write{IfNoneMatch: "*"}, "", true},
		"only a new one, and it is not": {condition.Write{IfNoneMatch: "*"}, current, false},
		"not with these bytes":          {condition.Write{IfNoneMatch: current}, current, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := tc.write.Check(tc.etag); (err == nil) != tc.ok {
				t.Errorf("Check = %v", err)
			}
		})
	}
}

func FuzzMatch(f *testing.F) {
	f.Add(`"a", W/"b"`, `"a"`)
	f.Add(`*`, ``)
	f.Fuzz(func(t *testing.T, header, date string) {
		read := condition.Read{IfMatch: header, IfNoneMatch: header, IfModifiedSince: date, IfRange: header}
		read.Check(current, modified)
		read.RangeHolds(current, modified, modified)
	})
}
