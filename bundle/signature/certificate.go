package signature

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// certified returns the principal of a certificate by the line's authority, or the reason why the certificate is not
// allowed.
func (l allowedLine) certified(cert *ssh.Certificate, now time.Time) (principal, reason string) {
	switch {
	case cert.CertType != ssh.UserCert:
		return "", "allows certificates of users, and it is one of a host"
	// The authority's signature has to satisfy the same rules as that of a bundle.
	case checkAlgorithm(l.key, cert.Signature) != nil:
		return "", "does not allow certificates that are signed with SHA-1"
	// A certificate without principals would stand for everyone.
	case len(cert.ValidPrincipals) == 0:
		return "", "allows certificates with principals, and it has none"
	}
	for _, candidate := range cert.ValidPrincipals {
		if !matchesList(l.principals, candidate) {
			continue
		}
		// CheckCert compares validity, principals and critical options with the given clock, and verifies the
		// authority's signature.
		checker := ssh.CertChecker{Clock: func() time.Time { return now }}
		if err := checker.CheckCert(candidate, cert); err != nil {
			return "", fmt.Sprintf("does not allow its certificate: %v", err)
		}
		return candidate, ""
	}
	return "", fmt.Sprintf("allows %s, and its certificate is for %s", l.principals, strings.Join(cert.ValidPrincipals, ", "))
}

// matchesList reports whether a list of patterns, separated by commas, matches a value, as described in ssh_config(5):
// a pattern with an exclamation mark that matches rejects the value, regardless of the others.
func matchesList(patterns, value string) bool {
	matched := false
	for pattern := range strings.SplitSeq(patterns, ",") {
		negated := strings.HasPrefix(pattern, "!")
		if !matchesPattern(strings.TrimPrefix(pattern, "!"), value) {
			continue
		}
		if negated {
			return false
		}
		matched = true
	}
	return matched
}

// matchesPattern reports whether a pattern matches the whole value: * matches any text, and ? any one byte. It
// backtracks only to the last star, so its time is bounded by the product of the lengths.
func matchesPattern(pattern, value string) bool {
	p, v, star, resume := 0, 0, -1, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, v
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[v]):
			p, v = p+1, v+1
		case star >= 0:
			resume++
			p, v = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
