package main

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// domainFault says why a domain is none that the host can share with others; "" for
// nothing.
func domainFault(host, domain string) string {
	switch suffix, _ := publicsuffix.PublicSuffix(domain); {
	case suffix == domain:
		return "is a public suffix: whatever is below it belongs to everybody, so browsers keep nothing for it"
	case !inDomain(host, domain):
		return "is not a domain that PUBLIC_URL is in"
	}
	return ""
}

// inDomain tells whether a host is the domain or below it.
func inDomain(host, domain string) bool {
	if _, err := netip.ParseAddr(host); err == nil || strings.Trim(domain, ".") != domain {
		return false
	}
	return host == domain || strings.HasSuffix(host, "."+domain)
}
