package signature

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Allowed lists the signers whose signatures are accepted.
type Allowed struct {
	// name is the name of the file, for messages.
	name  string
	lines []allowedLine
}

// allowedLine is one line of a file of allowed signers.
type allowedLine struct {
	number     int
	principals string
	key        ssh.PublicKey
	// authority is set if the key is one of a certificate authority: it signs certificates, and not bundles.
	authority bool
	// namespaces is a list of patterns. Empty means all namespaces.
	namespaces string
	// after and before bound the time of verification. The zero time means no bound.
	after, before time.Time
}

// ParseAllowed parses a file of allowed signers. Any line that cannot be parsed is an error, so that a typing error
// never lifts a restriction that the author meant to set. name is the name of the file, for messages.
func ParseAllowed(name string, data []byte) (Allowed, error) {
	allowed := Allowed{name: name}
	number := 0
	for text := range strings.Lines(string(data)) {
		number++
		text = strings.TrimSpace(text)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		line, err := parseLine(text)
		if err != nil {
			return Allowed{}, fmt.Errorf("cannot read the allowed signers %s: line %d: %w", name, number, err)
		}
		line.number = number
		allowed.lines = append(allowed.lines, line)
	}
	if len(allowed.lines) == 0 {
		return Allowed{}, fmt.Errorf("cannot read the allowed signers %s: it has no signer", name)
	}
	return allowed, nil
}

// parseLine parses PRINCIPALS [OPTIONS] TYPE KEY [COMMENT].
func parseLine(text string) (allowedLine, error) {
	principals, rest, err := cutPrincipals(text)
	if err != nil {
		return allowedLine{}, err
	}
	line := allowedLine{principals: principals}
	public, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return line, errors.New("it must be of the form PRINCIPALS [OPTIONS] KEYTYPE KEY")
	}
	// A certificate is not a key to trust: the key of its authority is.
	if _, isCert := public.(*ssh.Certificate); isCert {
		return line, errors.New("its key is a certificate: write the key of its authority, with the option cert-authority")
	}
	if err := checkKey(public); err != nil {
		return line, err
	}
	line.key = public
	seen := map[string]bool{}
	for _, option := range options {
		name, value, hasValue := strings.Cut(option, "=")
		name = strings.ToLower(name)
		if seen[name] {
			return line, fmt.Errorf("the option %s is set twice", name)
		}
		seen[name] = true
		if err := line.set(name, value, hasValue); err != nil {
			return line, err
		}
	}
	if !line.after.IsZero() && !line.before.IsZero() && !line.after.Before(line.before) {
		return line, errors.New("valid-after is not before valid-before")
	}
	return line, nil
}

// cutPrincipals splits off the first word, which may be quoted.
func cutPrincipals(text string) (principals, rest string, err error) {
	if quoted, isQuoted := strings.CutPrefix(text, `"`); isQuoted {
		var closed bool
		if principals, rest, closed = strings.Cut(quoted, `"`); !closed {
			return "", "", errors.New("the closing quote is missing")
		}
	} else if end := strings.IndexAny(text, " \t"); end > 0 {
		principals, rest = text[:end], text[end:]
	}
	switch {
	case principals == "":
		return "", "", errors.New("it must be of the form PRINCIPALS [OPTIONS] KEYTYPE KEY")
	case strings.HasPrefix(principals, "@"):
		return "", "", fmt.Errorf("a file of allowed signers has no markers such as %s: to revoke a key, remove its line", principals)
	}
	return principals, strings.TrimLeft(rest, " \t"), nil
}

// set sets an option.
func (l *allowedLine) set(name, value string, hasValue bool) error {
	if name == "cert-authority" && !hasValue {
		l.authority = true
		return nil
	}
	unquoted := strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)
	// Values must be quoted, and must not contain quotes or escapes, which ssh-keygen would interpret.
	if len(unquoted) != len(value)-2 || strings.ContainsAny(unquoted, `"\`) {
		return fmt.Errorf("the option %s is not one of cert-authority, namespaces=\"...\", valid-after=\"...\" and valid-before=\"...\"", name)
	}
	var err error
	switch name {
	case "namespaces":
		if l.namespaces = unquoted; unquoted == "" {
			err = errors.New("the option namespaces is empty")
		}
	case "valid-after":
		l.after, err = parseTime(unquoted)
	case "valid-before":
		l.before, err = parseTime(unquoted)
	default:
		err = fmt.Errorf("the option %s is unknown", name)
	}
	return err
}

// parseTime parses a time as ssh-keygen does: local time, or UTC if it ends in Z.
func parseTime(text string) (time.Time, error) {
	location := time.Local
	digits, isUTC := strings.CutSuffix(text, "Z")
	if isUTC {
		location = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			if parsed, err := time.ParseInLocation(layout, digits, location); err == nil {
				return parsed, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, followed by Z for UTC", text)
}

// principal returns the name of the signer according to the first line that allows a key at a time. The error names the
// reason why the last line about that key does not.
func (a Allowed) principal(public ssh.PublicKey, now time.Time) (string, error) {
	// A reason from a line about this key is more helpful than this one.
	reason := "no line allows it"
	for _, line := range a.lines {
		principal, why := line.allows(public, now)
		if why == "" {
			return principal, nil
		}
		if why != otherKey {
			reason = fmt.Sprintf("line %d %s", line.number, why)
		}
	}
	key := plainKey(public)
	return "", fmt.Errorf("the key %s %s, which has signed, is not allowed by %s: %s",
		key.Type(), ssh.FingerprintSHA256(key), a.name, reason)
}

// otherKey is the reason of lines that are about another key. It does not appear in messages.
const otherKey = "is about another key"

// allows returns the principal for which a line allows a key, or the reason why it does not.
func (l allowedLine) allows(public ssh.PublicKey, now time.Time) (principal, reason string) {
	cert, isCert := public.(*ssh.Certificate)
	switch {
	// A key that signs certificates must not sign bundles itself, as in ssh-keygen.
	case isCert != l.authority,
		isCert && !sameKey(cert.SignatureKey, l.key),
		!isCert && !sameKey(public, l.key):
		return "", otherKey
	case l.namespaces != "" && !matchesList(l.namespaces, Namespace):
		return "", "allows it for other namespaces than " + Namespace
	case !l.after.IsZero() && now.Before(l.after):
		return "", "allows it only after " + l.after.Format(time.RFC3339)
	case !l.before.IsZero() && now.After(l.before):
		return "", "allowed it only before " + l.before.Format(time.RFC3339)
	case isCert:
		return l.certified(cert, now)
	}
	return l.principals, ""
}

// sameKey reports whether two keys are equal.
func sameKey(x, y ssh.PublicKey) bool { return bytes.Equal(x.Marshal(), y.Marshal()) }
