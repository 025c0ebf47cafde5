package encryption

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// secret returns a key of 32 equal bytes, in base64.
func secret(fill byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(fill)), keySize)))
}

func file(t *testing.T, config Config) string {
	t.Helper()
	content, err := config.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEncode(t *testing.T) {
	t.Parallel()
	const want = note + `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- providers:
  - secretbox:
      keys:
      - name: key-1
        secret: QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=
  - identity: {}
  resources:
  - secrets
`
	if diff := cmp.Diff(want, file(t, First(secret('A')))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseTakesWhatEncodeWrites(t *testing.T) {
	t.Parallel()
	two, err := First(secret('A')).With(secret('B'))
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range []Config{First(secret('A')), two, two.Swapped(), two.Swapped().Only()} {
		got, err := Parse([]byte(file(t, config)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(config, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestHostileKeyFiles tries files of keys that dualstrap did not write, or not whole: each is refused, and no error repeats
// a key.
func TestHostileKeyFiles(t *testing.T) {
	t.Parallel()
	two, err := First(secret('A')).With(secret('B'))
	if err != nil {
		t.Fatal(err)
	}
	one := file(t, First(secret('A')))
	const notOurs = "its providers are not secretbox and then identity"
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(one) }
	for name, test := range map[string]struct{ content, want string }{
		"nothing":                {"", "it is empty"},
		"blanks":                 {" \n\n", "it is empty"},
		"half a file":            {one[:strings.Index(one, "  - identity")], "it is about other resources"},
		"half a key":             {one[:strings.Index(one, "QUFB")+6], "it is about other resources"},
		"zeros":                  {strings.Repeat("\x00", 512), "it is not a YAML document"},
		"too much":               {one + strings.Repeat("#", MaxSize), "it is longer than 16384 bytes"},
		"no YAML":                {"{" + one, "it is not a YAML document"},
		"two documents":          {one + "---\n" + one, "it is more than one document"},
		"an end in the middle":   {one + "...\n" + one, "it is more than one document"},
		"a list":                 {"- " + secret('A'), "it has fields that dualstrap does not write"},
		"a field twice":          {one + "kind: EncryptionConfiguration\n", "it is not a YAML document"},
		"another kind":           {change("kind: Enc", "kind: enc"), "it is not an EncryptionConfiguration"},
		"another version":        {change("k8s.io/v1", "k8s.io/v2"), "it is not an EncryptionConfiguration"},
		"more resources":         {change("  - secrets", "  - secrets\n  - configmaps"), "it is about other resources"},
		"everything":             {change("  - secrets", `  - "*.*"`), "it is about other resources"},
		"a socket to ask":        {change("  - identity: {}", "  - kms: {name: a, endpoint: unix:///a.sock}"), "it has fields that dualstrap"},
		"a weaker provider":      {change("secretbox", "aescbc"), "it has fields that dualstrap does not write"},
		"plain first":            {change("  - secretbox:", "  - identity: {}\n  - secretbox:"), notOurs},
		"plain not last":         {change("  - identity: {}\n", ""), notOurs},
		"two in one":             {change("  - identity: {}\n", "    identity: {}\n"), notOurs},
		"no keys":                {file(t, Config{}), "it has 0 keys"},
		"three keys":             {file(t, Config{append(two.Keys, Key{"key-3", secret('C')})}), "it has 3 keys"},
		"one key twice":          {file(t, Config{[]Key{two.Keys[0], two.Keys[0]}}), "its two keys are one"},
		"one secret twice":       {file(t, Config{[]Key{two.Keys[0], {"key-2", secret('A')}}}), "its two keys are one"},
		"a name with a colon":    {change("key-1", "'key-1:'"), "the name of key 1 is not key-NUMBER"},
		"a name of somebody's":   {change("key-1", "aescbckey"), "the name of key 1 is not key-NUMBER"},
		"a number with zeros":    {change("key-1", "key-01"), "the name of key 1 is not key-NUMBER"},
		"no number":              {change("key-1", "key-0"), "the name of key 1 is not key-NUMBER"},
		"a number with a sign":   {change("key-1", "key-+1"), "the name of key 1 is not key-NUMBER"},
		"a number without end":   {change("key-1", "key-99999999999"), "the name of key 1 is not key-NUMBER"},
		"a short key":            {change(secret('A'), "QUFBQQ=="), "key-1 is not 32 bytes in base64"},
		"no base64":              {change(secret('A'), strings.Repeat("?", 44)), "key-1 is not 32 bytes in base64"},
		"a key that is a number": {change(secret('A'), "1"), "it has fields that dualstrap does not write, or of the wrong type"},
		"a key with a line end":  {change(secret('A'), `"`+secret('A')[:20]+`\n`+secret('A')[20:]+`"`), "key-1 is not 32 bytes in base64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse([]byte(test.content))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("it gives %v and the error %v, want %q", got, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), secret('A')[:16]) {
				t.Errorf("the error repeats the key: %v", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	content, err := First(secret('A')).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Fuzz(func(t *testing.T, content []byte) {
		config, err := Parse(content)
		if err != nil {
			return
		}
		// Whatever Parse accepts, Encode writes in the same way.
		again, err := Parse([]byte(file(t, config)))
		if err != nil || !config.equal(again) {
			t.Errorf("%q is read as %v and then as %v, %v", content, config, again, err)
		}
	})
}
