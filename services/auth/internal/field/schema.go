package field

import "github.com/danielgtaylor/huma/v2"

// Schema describes what the owner may set, as members of a body.
func (f Fields) Schema() map[string]*huma.Schema {
	members := map[string]*huma.Schema{}
	for _, one := range f {
		if !one.Closed {
			members[one.Name] = one.Kind.schema()
		}
	}
	return members
}

func (k Kind) schema() *huma.Schema {
	s := &huma.Schema{Type: string(k)}
	switch k {
	case Date:
		s.Type, s.Format = huma.TypeString, "date-time"
	case Texts:
		s.Type, s.Items = huma.TypeArray, &huma.Schema{Type: huma.TypeString}
	case Numbers:
		s.Type, s.Items = huma.TypeArray, &huma.Schema{Type: huma.TypeNumber}
	case Text, Number, Boolean: // the words are the same
	}
	s.PrecomputeMessages()
	return s
}
