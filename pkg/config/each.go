package config

import (
	"reflect"
	"regexp"
	"strings"
)

// group is a map field with the tag each: a struct of variables for every name
// in a list, so that there may be as many of a kind as somebody likes. With
//
//	Names []string        `env:"PARTNERS"`
//	All   map[string]each `each:"PARTNERS" envPrefix:"PARTNER_*_"`
//
// and PARTNERS=acme,big-corp the second struct is read from PARTNER_BIG_CORP_...
type group struct {
	list   string // the variable that holds the names
	prefix string // with a star where the name goes
	elem   reflect.Type
	index  []int
}

// groupsOf lists the groups of a settings struct.
func groupsOf(t reflect.Type, at []int) []group {
	var out []group
	for i := range t.NumField() {
		field := t.Field(i)
		index := append(append([]int(nil), at...), i)
		switch list := field.Tag.Get("each"); {
		case list != "":
			out = append(out, group{list, field.Tag.Get("envPrefix"), field.Type.Elem(), index})
		case field.Type.Kind() == reflect.Struct && field.Tag.Get("env") == "" && (field.IsExported() || field.Anonymous):
			out = append(out, groupsOf(field.Type, index)...)
		}
	}
	return out
}

// memberName is what can be a part of a variable's name and of an address.
var memberName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// fill reads every member of a group.
func (l *loader) fill(field reflect.Value, g group) {
	members := reflect.MakeMap(field.Type())
	for _, name := range listOf(l.source[g.list]) {
		if !memberName.MatchString(name) {
			l.fault(Fault{g.list, "holds a name that is not made of small letters, digits and dashes", "acme,big-corp"})
			continue
		}
		one := reflect.New(g.elem).Elem()
		for _, v := range walk(g.elem, g.prefixOf(name), nil) {
			l.set(one.FieldByIndex(v.index), v)
		}
		members.SetMapIndex(reflect.ValueOf(name), one)
	}
	field.Set(members)
}

func (g group) prefixOf(name string) string {
	return strings.ReplaceAll(g.prefix, "*", strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
}
