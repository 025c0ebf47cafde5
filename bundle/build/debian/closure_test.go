package debian

import (
	"slices"
	"testing"
)

func TestParseURIs(t *testing.T) {
	t.Parallel()
	closure, uris := parseURIs("'http://debian.example.com/pool/n.deb' nftables_1.0.6-2+deb12u2_amd64.deb 70292 MD5Sum:79\n" +
		"'http://debian.example.com/pool/k.deb' keepalived_1%3a2.2.7-1+b2_amd64.deb 569660 \nNOTE: something else\n" +
		"'http://debian.example.com/pool/t.deb' tzdata_2024a-0+deb12u1_all.deb 1 SHA256:0\n")
	want := Closure{"keepalived_1%3a2.2.7-1+b2_amd64.deb", "nftables_1.0.6-2+deb12u2_amd64.deb", "tzdata_2024a-0+deb12u1_all.deb"}
	if len(uris) != 3 || uris[2] != "http://debian.example.com/pool/t.deb" {
		t.Errorf("URIs %q", uris)
	}
	if !slices.Equal(closure, want) {
		t.Errorf("closure %q", closure)
	}
	for name, want := range map[string]string{"keepalived": "2.2.7", "nftables": "1.0.6", "tzdata": "2024a"} {
		if got, err := closure.Version(name); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", name, got, want, err)
		}
	}
	if _, err := closure.Version("table"); err == nil {
		t.Error("there is a package that is not there")
	}
}
