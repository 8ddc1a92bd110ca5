package content

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// responses describe a download: its bodies and headers are written by hand and
// so have no struct to be read from.
func responses(method string) map[string]*huma.Response {
	headers := map[string]*huma.Param{
		"ETag":                header("Strong entity tag of the bytes"),
		"Last-Modified":       header("When content or name last changed"),
		"Content-Disposition": header("attachment, or inline, and the file's name (RFC 6266, RFC 8187)"),
		"Accept-Ranges":       header("bytes"),
	}
	all := map[string]*huma.Response{
		"200": {Description: "All of the file", Headers: headers, Content: binary("*/*")},
		"206": {Description: "The ranges that were asked for", Headers: withRange(headers), Content: binary("*/*", "multipart/byteranges")},
		"304": {Description: "You have it already", Headers: headers},
	}
	if method == http.MethodHead {
		delete(all, "206")
		all["200"].Content = nil
	}
	return all
}

func header(description string) *huma.Param {
	return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
}

func withRange(headers map[string]*huma.Param) map[string]*huma.Param {
	all := map[string]*huma.Param{"Content-Range": header("Which bytes of how many; with several ranges each part has its own")}
	for name, p := range headers {
		all[name] = p
	}
	return all
}

func binary(types ...string) map[string]*huma.MediaType {
	all := map[string]*huma.MediaType{}
	for _, t := range types {
		all[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return all
}
