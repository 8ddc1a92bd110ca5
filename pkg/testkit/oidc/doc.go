// Package oidc is an OpenID Connect provider for tests: it checks what a client
// sends as strictly as a real one (client secret, redirect address, PKCE, codes
// that work once, refresh tokens that rotate), signs in whoever it is told to be,
// and can be wrong in every way that a client must notice.
package oidc
