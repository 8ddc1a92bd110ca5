package security

import (
	"fmt"
	"net/http"
	"time"
)

// Headers is what one class of answers tells the browser to forbid. Empty
// members are not sent.
type Headers struct {
	ContentSecurityPolicy string
	FrameOptions          string // for browsers that do not know frame-ancestors
	ReferrerPolicy        string
	PermissionsPolicy     string
	OpenerPolicy          string        // Cross-Origin-Opener-Policy
	ResourcePolicy        string        // Cross-Origin-Resource-Policy
	CacheControl          string        // where the answer itself says nothing
	StrictTransport       time.Duration // HSTS with sub-domains; sent on https only
}

const hstsAge = 2 * 365 * 24 * time.Hour // GW-12 asks for a year; two is what preload lists want

const noPowers = "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), " +
	"magnetometer=(), microphone=(), midi=(), payment=(), usb=(), xr-spatial-tracking=()"

// APIHeaders are for answers that no browser should render.
func APIHeaders() Headers {
	return Headers{
		ContentSecurityPolicy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
		FrameOptions:          "DENY",
		ReferrerPolicy:        "no-referrer",
		PermissionsPolicy:     noPowers,
		OpenerPolicy:          "same-origin",
		ResourcePolicy:        "same-origin",
		CacheControl:          "no-store",
		StrictTransport:       hstsAge,
	}
}

// FileHeaders are for answers that may hold the bytes of somebody's file
// (STO-04): should a browser show one after all, it is in a sandbox, without an
// origin and without scripts.
func FileHeaders() Headers {
	h := APIHeaders()
	h.ContentSecurityPolicy = "sandbox; " + h.ContentSecurityPolicy
	return h
}

// WebHeaders are for the pages. The policy for content is the strictest one and
// only a fallback: a page brings its own, with the hashes of its scripts.
func WebHeaders() Headers {
	h := APIHeaders()
	h.ReferrerPolicy = "strict-origin-when-cross-origin"
	h.CacheControl = ""
	return h
}

// Compile makes the header lines, once, at start; they are shared by all answers
// and must not be written to.
func (h Headers) Compile(https bool) http.Header {
	out := http.Header{"X-Content-Type-Options": {"nosniff"}}
	for name, value := range map[string]string{
		"Content-Security-Policy":      h.ContentSecurityPolicy,
		"X-Frame-Options":              h.FrameOptions,
		"Referrer-Policy":              h.ReferrerPolicy,
		"Permissions-Policy":           h.PermissionsPolicy,
		"Cross-Origin-Opener-Policy":   h.OpenerPolicy,
		"Cross-Origin-Resource-Policy": h.ResourcePolicy,
		"Cache-Control":                h.CacheControl,
	} {
		if value != "" {
			out[name] = []string{value}
		}
	}
	if https && h.StrictTransport > 0 {
		out["Strict-Transport-Security"] = []string{
			fmt.Sprintf("max-age=%d; includeSubDomains", int(h.StrictTransport.Seconds())),
		}
	}
	return out
}
