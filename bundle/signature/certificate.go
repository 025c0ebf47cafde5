package signature

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// certified returns the principal that a certificate of the line's authority stands for, or what is wrong with it.
func (l allowedLine) certified(cert *ssh.Certificate, now time.Time) (principal, reason string) {
	switch {
	case cert.CertType != ssh.UserCert:
		return "", "allows certificates of users, and it is one of a host"
	case checkAlgorithm(l.key, cert.Signature) != nil:
		return "", "does not allow certificates that are signed with SHA-1"
	case len(cert.ValidPrincipals) == 0:
		return "", "allows certificates with principals, and it has none"
	}
	for _, candidate := range cert.ValidPrincipals {
		if !matchesList(l.principals, candidate) {
			continue
		}
		checker := ssh.CertChecker{Clock: func() time.Time { return now }}
		if err := checker.CheckCert(candidate, cert); err != nil {
			return "", fmt.Sprintf("does not allow its certificate: %v", err)
		}
		return candidate, ""
	}
	return "", fmt.Sprintf("allows %s, and its certificate is for %s", l.principals, strings.Join(cert.ValidPrincipals, ", "))
}

// matchesList reports whether a list of patterns has a value, as ssh_config(5) describes it: one that matches behind
// an exclamation mark says no, whatever the others say.
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

// matchesPattern takes * for any text, and ? for any one byte. It goes back only to the last star, so it takes no
// longer than the product of the lengths.
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
