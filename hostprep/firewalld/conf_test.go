package firewalld_test

import (
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

func TestConf(t *testing.T) {
	t.Parallel()
	const key = "IPv6_rpfilter"
	tests := []struct {
		name, conf, value, with, without string
		set                              bool
	}{
		{
			"in the middle", "# a\nIPv6_rpfilter=yes\nLockdown=no\n", "yes",
			"# a\nIPv6_rpfilter=no\nLockdown=no\n", "# a\nLockdown=no\n", true,
		},
		{"spaces around it stay", " IPv6_rpfilter =\t strict \n", "strict", " IPv6_rpfilter =\t no \n", "", true},
		{"last line without end", "A=b\nIPv6_rpfilter=yes", "yes", "A=b\nIPv6_rpfilter=no", "A=b\n", true},
		{"DOS line ends", "IPv6_rpfilter=yes\r\nA=b\r\n", "yes", "IPv6_rpfilter=no\r\nA=b\r\n", "A=b\r\n", true},
		{"empty value", "IPv6_rpfilter=\n", "", "IPv6_rpfilter=no\n", "", true},
		{
			"the first one counts", "IPv6_rpfilter=yes\nIPv6_rpfilter=no\n", "yes",
			"IPv6_rpfilter=no\nIPv6_rpfilter=no\n", "IPv6_rpfilter=no\n", true,
		},
		{"a comment is none", "#IPv6_rpfilter=yes\n", "", "#IPv6_rpfilter=yes\nIPv6_rpfilter=no\n", "#IPv6_rpfilter=yes\n", false},
		{"two equals signs are none", "IPv6_rpfilter=a=b\n", "", "IPv6_rpfilter=a=b\nIPv6_rpfilter=no\n", "IPv6_rpfilter=a=b\n", false},
		{
			"another key is none", "xIPv6_rpfilter=yes\nipv6_rpfilter=yes", "", "xIPv6_rpfilter=yes\nipv6_rpfilter=yes\nIPv6_rpfilter=no\n",
			"xIPv6_rpfilter=yes\nipv6_rpfilter=yes", false,
		},
		{"empty", "", "", "IPv6_rpfilter=no\n", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conf := firewalld.Conf(tt.conf)
			if value, set := conf.Lookup(key); value != tt.value || set != tt.set {
				t.Errorf("Lookup gives %q, %v, want %q, %v", value, set, tt.value, tt.set)
			}
			if got := conf.With(key, "no"); string(got) != tt.with {
				t.Errorf("With gives %q, want %q", got, tt.with)
			}
			if got := conf.Without(key); string(got) != tt.without {
				t.Errorf("Without gives %q, want %q", got, tt.without)
			}
		})
	}
}

// FuzzConf verifies that every edit changes one value and nothing else.
func FuzzConf(f *testing.F) {
	f.Add("# a\nIPv6_rpfilter=yes\n\n Lockdown = no", "IPv6_rpfilter", "no")
	f.Add("IPv6_rpfilter\u00a0=\u2003yes\r\nb=c\r", "IPv6_rpfilter", "")
	f.Add("0=0 ", "0", "")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		word := func(s string) bool { return s == strings.TrimSpace(s) && !strings.ContainsAny(s, "=\r\n") }
		if key == "" || strings.HasPrefix(key, "#") || !word(key) || !word(value) {
			t.Skip("neither is ever asked for")
		}
		conf := firewalld.Conf(text)
		before, set := conf.Lookup(key)
		edited := conf.With(key, value)
		if got, ok := edited.Lookup(key); !ok || got != value {
			t.Fatalf("%q with %s=%s has %q, %v", text, key, value, got, ok)
		}
		if again := edited.With(key, value); again != edited {
			t.Fatalf("a second edit changes %q to %q", edited, again)
		}
		if set {
			// If the value is empty, the space before it cannot be told from the space after it.
			if back := edited.With(key, before); back != conf && value != "" {
				t.Fatalf("%q becomes %q when it is set back", conf, back)
			}
			return
		}
		if !strings.HasPrefix(string(edited), text) {
			t.Fatalf("%q is not kept in %q", text, edited)
		}
		if back := edited.Without(key); back != conf && back != conf+"\n" {
			t.Fatalf("%q becomes %q when the key is removed", conf, back)
		}
	})
}
