package proof

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/internal/certtest"
)

func TestCheckCertificate(t *testing.T) {
	t.Parallel()
	cluster, other := certtest.New(t), certtest.New(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cluster.PEM())
	names := []string{"worker", "10.2.0.5", "fd12::2:5"}
	for name, test := range map[string]struct {
		by    certtest.Authority
		names []string
		want  string
	}{
		"all":               {cluster, names, ""},
		"more":              {cluster, append(names, "10.2.0.6"), ""},
		"another authority": {other, names, "signed by unknown authority"},
		"no name":           {cluster, names[1:], "valid for any names, but wanted to match worker"},
		"IPv4 alone":        {cluster, names[:2], "fd12::2:5"},
		"another address":   {cluster, []string{"worker", "10.2.0.6", "fd12::2:5"}, "10.2.0.5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, _ := test.by.Issue(t, test.names...)
			block, _ := pem.Decode(content)
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			err = checkCertificate([]*x509.Certificate{certificate}, roots, names)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("it says %v, want %q in it", err, test.want)
			}
		})
	}
	if err := checkCertificate(nil, roots, names); err == nil {
		t.Error("a kubelet that shows nothing passes")
	}
}
