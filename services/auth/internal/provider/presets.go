package provider

import (
	"cmp"
	"strings"
)

// OpenID is any OpenID Connect provider, at the issuer that the options name.
func OpenID(o Options) *Provider {
	return newProvider(o, []string{"openid", "email", "profile"}, newOpenID(o))
}

// Google is accounts.google.com.
func Google(o Options) *Provider {
	o.URL = cmp.Or(o.URL, "https://accounts.google.com")
	return OpenID(o)
}

// GitLab is gitlab.com, or somebody's own.
func GitLab(o Options) *Provider {
	o.URL = cmp.Or(o.URL, "https://gitlab.com")
	return OpenID(o)
}

// tenantMark stands in the issuer of Microsoft's shared tenants for the tenant
// that a token is of.
const tenantMark = "{tenantid}"

// Microsoft is Entra ID: one tenant, or "common", "organizations", "consumers".
// Whoever runs a tenant may write any address into it, so an address counts as
// proven only where Microsoft says that the tenant owns its domain.
func Microsoft(o Options, tenant string) *Provider {
	o.URL = strings.TrimSuffix(cmp.Or(o.URL, "https://login.microsoftonline.com"), "/") + "/" + tenant + "/v2.0"
	d := newOpenID(o)
	d.match = func(named string) bool { return sameHost(named, o.URL) } // a tenant has a name and an id
	d.issuer = func(named string, c claims) string { return strings.ReplaceAll(named, tenantMark, c.text("tid")) }
	d.verified = func(c claims) bool { return c.yes("xms_edov") || c["xms_edov"] == float64(1) || c["xms_edov"] == "1" }
	return newProvider(o, []string{"openid", "email", "profile", "offline_access"}, d)
}
