package config

import (
	"net"
	"reflect"
	"strconv"
	"strings"
)

var (
	secretType  = reflect.TypeFor[Secret]()
	secretsType = reflect.TypeFor[Secrets]()
	dsnType     = reflect.TypeFor[DSN]()
)

// variable is what the tags of one field say.
type variable struct {
	name     string
	help     string
	unit     string
	example  string
	def      string
	required bool
	min      int // bytes of each secret
	typ      reflect.Type
	index    []int // of the field in the settings struct
	tag      reflect.StructTag
}

// secret tells whether the value must not be shown, and may come from a file.
func (v variable) secret() bool {
	return v.typ == secretType || v.typ == secretsType || v.typ == followedType || v.typ == dsnType
}

// fileName is the variable that may name a file holding the value.
func (v variable) fileName() string { return v.name + "_FILE" }

// listens tells whether the value says where a server listens: by convention
// ADDR and every name that ends with _ADDR.
func (v variable) listens() bool {
	return v.typ.Kind() == reflect.String && (v.name == "ADDR" || strings.HasSuffix(v.name, "_ADDR"))
}

// listenable tells whether a server could be asked to listen on this address.
// Whether the host is one of this machine shows only when it is opened.
func listenable(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// variablesOf lists the variables of a settings struct in the order of its fields.
func variablesOf(t reflect.Type) []variable {
	return walk(t, "", nil)
}

func walk(t reflect.Type, prefix string, at []int) []variable {
	var out []variable
	for i := range t.NumField() {
		field := t.Field(i)
		index := append(append([]int(nil), at...), i)
		name, options, _ := strings.Cut(field.Tag.Get("env"), ",")
		switch {
		case name == "-", !field.IsExported() && !field.Anonymous:
		case name != "":
			out = append(out, newVariable(field, prefix+name, options, index))
		case field.Type.Kind() == reflect.Struct:
			out = append(out, walk(field.Type, prefix+field.Tag.Get("envPrefix"), index)...)
		}
	}
	return out
}

func newVariable(field reflect.StructField, name, options string, index []int) variable {
	least, _ := strconv.Atoi(field.Tag.Get("min"))
	return variable{
		name:     name,
		help:     field.Tag.Get("help"),
		unit:     field.Tag.Get("unit"),
		example:  field.Tag.Get("example"),
		def:      field.Tag.Get("envDefault"),
		required: strings.Contains(options, "required") || strings.Contains(options, "notEmpty"),
		min:      least,
		typ:      field.Type,
		index:    index,
		tag:      field.Tag,
	}
}
