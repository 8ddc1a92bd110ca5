package field

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	usualLongest = 255
	mostLongest  = 4096
	mostFields   = 50
)

// names are what a field may be called: as JavaScript names its members.
var names = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)

// taken are the members that people, sessions, tokens and the bodies that set them
// have by themselves, as spelling writes them.
var taken = []string{
	"id", "name", "email", "emailverified", "image", "createdat", "updatedat", "role", "banned", "banreason", "banexpires", "banexpiresat",
	"twofactorenabled", "username", "displayusername", "isanonymous", "version", "password", "currentpassword", "newpassword", "hash",
	"callbackurl", "rememberme", "disableredirect", "userid", "token", "expiresat", "ipaddress", "useragent", "impersonatedby", "remember", "handle",
	"sub", "sid", "iss", "aud", "iat", "nbf", "exp", "jti", "act", "typ", "azp", "nonce", "scope", "data", "proto", "constructor", "prototype",
}

// UnmarshalText reads a setting: fields with ; between them, each a name, a colon,
// a kind, and then options with commas.
//
//	plan:string,input=false,default="free",claim; age:number,required; tags:string[],max=40
func (f *Fields) UnmarshalText(text []byte) error {
	var out Fields
	for part := range strings.SplitSeq(string(text), ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		one, err := parse(part)
		if err != nil {
			return err
		}
		same := func(other Field) bool { return spelling(other.Name) == spelling(one.Name) }
		if slices.ContainsFunc(out, same) {
			return fmt.Errorf("names %s twice", one.Name)
		}
		out = append(out, one)
	}
	if len(out) > mostFields {
		return fmt.Errorf("has more than %d fields", mostFields)
	}
	*f = out
	return nil
}

func parse(text string) (Field, error) {
	name, rest, found := strings.Cut(text, ":")
	name = strings.TrimSpace(name)
	if !found || !names.MatchString(name) {
		return Field{}, errors.New("has a field that does not begin with its name, a letter and then letters or digits, and a colon")
	}
	if slices.Contains(taken, spelling(name)) {
		return Field{}, fmt.Errorf("has the field %s, which is there already", name)
	}
	kind, options, _ := strings.Cut(rest, ",")
	one := Field{Name: name, Kind: Kind(strings.TrimSpace(kind)), Longest: usualLongest}
	if !slices.Contains(kinds, one.Kind) {
		return Field{}, fmt.Errorf("has the field %s of a kind other than string, number, boolean, date, string[] and number[]", name)
	}
	fallback := ""
	for option := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(option), "=")
		if err := one.option(strings.TrimSpace(key), strings.TrimSpace(value), &fallback); err != nil {
			return Field{}, fmt.Errorf("has the field %s %w", name, err)
		}
	}
	if fallback == "" {
		return one, nil
	}
	raw := json.RawMessage(fallback)
	if !json.Valid(raw) { // a text needs no quotes
		raw, _ = json.Marshal(fallback)
	}
	value, fault := one.Value(raw)
	if fault != "" {
		return Field{}, fmt.Errorf("has the field %s with a default that is no %s", name, one.Kind)
	}
	one.Default = value
	return one, nil
}

func (f *Field) option(key, value string, fallback *string) error {
	switch {
	case key == "" && value == "":
	case key == "required" && value == "":
		f.Required = true
	case key == "claim" && value == "":
		f.Claim = true
	case key == "input" && value == "false":
		f.Closed = true
	case key == "returned" && value == "false":
		f.Hidden = true
	case key == "default" && value != "":
		*fallback = value
	case key == "max":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > mostLongest {
			return fmt.Errorf("with a max that is not between 1 and %d", mostLongest)
		}
		if f.Kind != Text && f.Kind != Texts {
			return errors.New("with a max, which bounds the characters of a text")
		}
		f.Longest = n
	default:
		return errors.New("with an option other than required, input=false, returned=false, claim, default=… and max=…")
	}
	return nil
}
