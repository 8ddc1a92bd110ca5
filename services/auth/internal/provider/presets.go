package provider

import (
	"cmp"
	"strings"
)

var usualScopes = []string{"openid", "email", "profile"}

// OpenID is any OpenID Connect provider, at the issuer that the options name.
func OpenID(o Options) *Provider {
	return newProvider(o, usualScopes, newOpenID(o))
}

// Google is accounts.google.com.
func Google(o Options) *Provider { return usual(o, googleDocument) }

// GitLab is gitlab.com, or somebody's own.
func GitLab(o Options) *Provider { return usual(o, gitLabDocument) }

// usual is OpenID for a provider whose document is known, unless it is elsewhere.
func usual(o Options, doc document) *Provider {
	known := o.URL == ""
	o.URL = cmp.Or(o.URL, doc.Issuer)
	d := newOpenID(o)
	if known {
		d.knows(doc)
	}
	return newProvider(o, usualScopes, d)
}

// tenantMark stands in the issuer of Microsoft's shared tenants for the tenant
// that a token is of.
const tenantMark = "{tenantid}"

// Microsoft is Entra ID: one tenant, or "common", "organizations", "consumers".
// Whoever runs a tenant may write any address into it, so an address counts as
// proven only where Microsoft says that the tenant owns its domain.
func Microsoft(o Options, tenant string) *Provider {
	doc, known := microsoftDocument(tenant)
	known = known && o.URL == ""
	o.URL = strings.TrimSuffix(cmp.Or(o.URL, microsoftPlace), "/") + "/" + tenant + "/v2.0"
	d := newOpenID(o)
	if known {
		d.knows(doc)
	}
	d.match = func(named string) bool { return sameHost(named, o.URL) } // a tenant has a name and an id
	d.issuer = func(named string, c claims) string { return strings.ReplaceAll(named, tenantMark, c.text("tid")) }
	d.verified = func(c claims) bool { return c.yes("xms_edov") || c["xms_edov"] == float64(1) || c["xms_edov"] == "1" }
	return newProvider(o, []string{"openid", "email", "profile", "offline_access"}, d)
}
