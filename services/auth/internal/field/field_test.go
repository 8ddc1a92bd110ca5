package field_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/codex-platform/codex/services/auth/internal/field"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

func fields(t *testing.T, setting string) field.Fields {
	t.Helper()
	var f field.Fields
	if err := f.UnmarshalText([]byte(setting)); err != nil {
		t.Fatal(err)
	}
	return f
}

func body(pairs ...string) (m wire.Members) {
	for i := 0; i < len(pairs); i += 2 {
		m = append(m, wire.Member{Name: pairs[i], Value: json.RawMessage(pairs[i+1])})
	}
	return m
}

func TestFields_settingIsReadStrictly(t *testing.T) {
	t.Parallel()
	got := fields(t, ` plan:string, input=false, default=free, claim; age:number,required;tags:string[],max=5,default=["a"] ;`)
	if len(got) != 3 || got[0].Name != "plan" || !got[0].Closed || !got[0].Claim || string(got[0].Default) != `"free"` ||
		!got[1].Required || got[1].Longest != 255 || got[2].Kind != field.Texts || got[2].Longest != 5 {
		t.Errorf("%+v", got)
	}
	for setting, why := range map[string]string{
		"plan":                       "colon",
		"1plan:string":               "letter",
		"a b:string":                 "letter",
		"plan:text":                  "of a kind other than",
		"plan:string,requird":        "option other than",
		"plan:string,input=true":     "option other than",
		"plan:string,max=0":          "max",
		"plan:string,max=5000":       "max",
		"age:number,max=3":           "max",
		"age:number,default=x":       "default that is no number",
		"plan:string;PLAN:string":    "twice",
		"my_plan:string;myPlan:date": "twice",
		"role:string":                "there already",
		"email_verified:boolean":     "there already",
		"Password:string":            "there already",
		"sub:string":                 "there already",
		"constructor:string":         "there already",
	} {
		var f field.Fields
		if err := f.UnmarshalText([]byte(setting)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func TestValue_takesWhatFitsItsKind(t *testing.T) {
	t.Parallel()
	f := fields(t, "s:string,max=5; n:number; b:boolean; d:date; l:string[],max=3; m:number[]; r:string,required")
	for _, tc := range []struct{ name, raw, want string }{
		{"s", `"Ada\n"`, `"Ada\n"`}, {"s", `"çççç!"`, `"çççç!"`}, {"s", `"123456"`, ""}, {"s", `"a\u0000"`, ""}, {"s", `1`, ""}, {"s", `null`, `null`},
		{"n", `1.5`, `1.5`}, {"n", `-3`, `-3`}, {"n", `"1"`, ""}, {"n", `1e999`, ""}, {"n", `true`, ""},
		{"b", `true`, `true`}, {"b", `"true"`, ""}, {"b", `0`, ""},
		{"d", `"2030-01-02T03:04:05+02:00"`, `"2030-01-02T01:04:05.000Z"`}, {"d", `"2030-01-02"`, `"2030-01-02T00:00:00.000Z"`}, {"d", `5`, ""}, {"d", `"soon"`, ""}, {"d", `"2030-01-32"`, ""}, {"d", `"0000-01-01"`, ""},
		{"l", `["a","b"]`, `["a","b"]`}, {"l", `[]`, `[]`}, {"l", `["long"]`, ""}, {"l", `[1]`, ""}, {"l", `"a"`, ""}, {"l", `{"a":"b"}`, ""},
		{"m", `[1,2.5]`, `[1,2.5]`}, {"m", `["1"]`, ""}, {"m", "[" + strings.Repeat("1,", 100) + "1]", ""},
		{"r", `null`, ""}, {"r", `"x"`, `"x"`},
	} {
		one, _ := f.Named(tc.name)
		value, fault := one.Value(json.RawMessage(tc.raw))
		if (fault == "") != (tc.want != "") || string(value) != tc.want {
			t.Errorf("%s %s: %s %q, want %s", tc.name, tc.raw, value, fault, tc.want)
		}
	}
}

func TestGiven_asksForWhatIsRequired(t *testing.T) {
	t.Parallel()
	f := fields(t, "age:number,required; plan:string,required,default=free; badge:string,input=false")
	if _, err := f.Given(body("plan", `"pro"`)); !errors.Is(err, field.ErrMissing) || !strings.Contains(err.Error(), "age is required") {
		t.Errorf("without age: %v", err)
	}
	if _, err := f.Given(body("age", "3", "badge", `"gold"`)); !errors.Is(err, wire.ErrFieldNotAllowed) {
		t.Errorf("a closed one: %v", err)
	}
	got, err := f.Given(body("age", "3", "other", `"x"`))
	if err != nil || string(got) != `{"age":3}` {
		t.Errorf("%s %v", got, err)
	}
	if got, err := f.Changed(body("other", `"x"`)); got != nil || err != nil {
		t.Errorf("nothing changed: %s %v", got, err)
	}
	if _, err := f.Changed(body("age", "null")); !errors.Is(err, wire.ErrValidation) {
		t.Errorf("a required one is taken away: %v", err)
	}
}

func TestAppend_showsDefaultsAndHidesTheHidden(t *testing.T) {
	t.Parallel()
	f := fields(t, "plan:string,default=free,claim; note:string,returned=false; age:number")
	got, err := f.Append([]byte(`{"id":"x"`), json.RawMessage(`{"age":3,"note":"n","gone":1}`))
	if err != nil || string(got) != `{"id":"x","plan":"free","age":3` {
		t.Errorf("%s %v", got, err)
	}
	claims, err := f.Claims(json.RawMessage(`{"plan":null}`))
	if err != nil || len(claims) != 1 || claims[0].Name != "plan" || string(claims[0].Value) != "null" {
		t.Errorf("%+v %v", claims, err)
	}
	if _, err := f.Append(nil, json.RawMessage(`[`)); err == nil {
		t.Error("what is no object is shown")
	}
}

func FuzzFields(f *testing.F) {
	for _, seed := range []string{"plan:string,default=free", "a:number,default=1;b:date", "x:string[],default=[\"a\"]", ";;", "a:string,default=\""} {
		f.Add(seed, `"x"`)
	}
	f.Fuzz(func(t *testing.T, setting, raw string) {
		var all field.Fields
		if all.UnmarshalText([]byte(setting)) != nil || !json.Valid([]byte(raw)) {
			return
		}
		for _, one := range all {
			if value, fault := one.Value(json.RawMessage(raw)); fault == "" && !json.Valid(value) {
				t.Errorf("%s makes %s of %s", setting, value, raw)
			}
		}
		shown, err := all.Append([]byte(`{"id":1`), json.RawMessage(`{}`))
		if err != nil || !json.Valid(append(shown, '}')) {
			t.Errorf("%s shows %s, %v", setting, shown, err)
		}
	})
}
