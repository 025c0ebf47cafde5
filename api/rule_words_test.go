package api

import "testing"

// words are texts that a predicate accepts and refuses.
type words struct {
	name          string
	is            func(string) bool
	accept, avoid []string
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, w := range []words{
		{
			"isHostPort", isHostPort,
			[]string{
				"docker.io", "registry.example.com:5000", "Registry.example.com", "10.2.0.50", "10.2.0.50:5000",
				"[fd12::3:1]", "[fd12::3:1]:5000", "localhost",
			},
			[]string{
				"", ":5000", "docker.io:", "docker.io:0", "docker.io:65536", "docker.io:http", "docker.io/library", "https://docker.io",
				"10.2.0.50:0", "fd12::3:1", "[10.2.0.50]", "[fd12::3:1", "-docker.io", "a b", "docker.io:05000",
			},
		},
		{
			"isProxyJump", isProxyJump,
			[]string{"jump.example.com", "admin@jump.example.com", "admin@10.2.0.1:22", "[2001:db8::1]:22", "admin@[2001:db8::1]"},
			[]string{"", "@jump", "admin@", "admin:pw@jump", "a@b@c", "-oProxyCommand=reboot", "a,b", "admin@-jump", "jump:ssh"},
		},
		{
			"isUser", isUser,
			[]string{"root", "_apt", "first.last", "Admin-1"},
			[]string{"", "-root", "1root", "the admin", "root\n", "admin$", "a23456789012345678901234567890123"},
		},
		{
			"isSAN", isSAN,
			[]string{"api.example.com", "*.example.com", "10.2.0.4", "fd12::4:1"},
			[]string{"", "https://api", "api.example.com:443", "10.2.0.256", "fe80::1%eth0", "API.example.com", "*", "a.*.b"},
		},
		{
			"isInterface", isInterface,
			[]string{"eth0", "bond0.100", "enp0s31f6", "wlan0", "br-lan", "a23456789012345"},
			[]string{"", ".", "..", "-eth0", "eth 0", "eth/0", "eth0:1", "eth0;reboot", "éth0", "a234567890123456"},
		},
		{
			"an endpoint that endpointProblem accepts",
			func(s string) bool { wrong, _ := endpointProblem(s); return wrong == "" },
			[]string{"https://registry.example.com", "https://10.2.0.50:5000/", "https://[fd12::3:1]:5000/v2/mirror"},
			[]string{
				"", "https://", "https:registry", "http://registry", "registry:5000", "https://a:b@registry", "https://registry/mirror",
				"https://registry/v2/a?b=c", "https://registry/v2/a#b", "https://reg_istry:x", "https://reg istry", "https://-registry", "%",
			},
		},
	} {
		for _, s := range w.accept {
			if !w.is(s) {
				t.Errorf("%s: %q is refused", w.name, s)
			}
		}
		for _, s := range w.avoid {
			if w.is(s) {
				t.Errorf("%s: %q is accepted", w.name, s)
			}
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for bits, want := range map[int]string{0: "1", 8: "256", 20: "1048576", 21: "2^21", 64: "2^64"} {
		if got := count(bits); got != want {
			t.Errorf("count(%d) = %s, want %s", bits, got, want)
		}
	}
}
