package provider

import (
	"context"
	"regexp"
	"strings"
)

// What providers at their usual places tell of themselves, so that nobody waits for
// a document that does not change. What they sign with is fetched all the same.
var (
	googleDocument = document{
		Issuer:        "https://accounts.google.com",
		Authorization: "https://accounts.google.com/o/oauth2/v2/auth",
		Token:         "https://oauth2.googleapis.com/token",
		Keys:          "https://www.googleapis.com/oauth2/v3/certs",
		UserInfo:      "https://openidconnect.googleapis.com/v1/userinfo",
	}
	gitLabDocument = document{
		Issuer:        "https://gitlab.com",
		Authorization: "https://gitlab.com/oauth/authorize",
		Token:         "https://gitlab.com/oauth/token",
		Keys:          "https://gitlab.com/oauth/discovery/keys",
		UserInfo:      "https://gitlab.com/oauth/userinfo",
	}
	appleDocument = document{
		Issuer:        "https://appleid.apple.com",
		Authorization: "https://appleid.apple.com/auth/authorize",
		Token:         "https://appleid.apple.com/auth/token",
		Keys:          "https://appleid.apple.com/auth/keys",
		ClientAuth:    []string{"client_secret_post"},
	}
)

const microsoftPlace = "https://login.microsoftonline.com"

// consumersTenant is the one that "consumers" stands for.
const consumersTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

var tenantID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// microsoftDocument tells it of a tenant; false for one that is known by a name:
// its tokens are of its id, which the document alone tells.
func microsoftDocument(tenant string) (document, bool) {
	id := strings.ToLower(tenant)
	switch {
	case tenant == "common", tenant == "organizations":
		id = tenantMark
	case tenant == "consumers":
		id = consumersTenant
	case !tenantID.MatchString(tenant):
		return document{}, false
	}
	return document{
		Issuer:        microsoftPlace + "/" + id + "/v2.0",
		Authorization: microsoftPlace + "/" + tenant + "/oauth2/v2.0/authorize",
		Token:         microsoftPlace + "/" + tenant + "/oauth2/v2.0/token",
		Keys:          microsoftPlace + "/" + tenant + "/discovery/v2.0/keys",
		UserInfo:      "https://graph.microsoft.com/oidc/userinfo",
		EndSession:    microsoftPlace + "/" + tenant + "/oauth2/v2.0/logout",
	}, true
}

// knows makes the dialect take a document that need not be fetched.
func (d *openID) knows(doc document) {
	d.documents = newKept(d.o.Now, func(context.Context) (document, error) { return doc, nil })
}
