package kube

import (
	"encoding/base64"
	"encoding/pem"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/dualstrap/dualstrap/internal/certtest"
)

// issueAdmin returns credentials that an authority has signed.
func issueAdmin(t *testing.T, authority certtest.Authority) Admin {
	t.Helper()
	certificate, key := authority.Issue(t)
	return Admin{CA: authority.PEM(), Certificate: certificate, Key: key}
}

// kubeadmFile is an administrator's kubeconfig in kubeadm's form.
func kubeadmFile(admin Admin) string {
	data := base64.StdEncoding.EncodeToString
	return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ` + data(admin.CA) + `
    server: https://10.2.0.175:443
  name: lab
contexts:
- context:
    cluster: lab
    user: kubernetes-admin
  name: kubernetes-admin@lab
current-context: kubernetes-admin@lab
kind: Config
preferences: {}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ` + data(admin.Certificate) + `
    client-key-data: ` + data(admin.Key) + `
`
}

func TestParseAdmin(t *testing.T) {
	t.Parallel()
	admin := issueAdmin(t, certtest.New(t))
	got, err := ParseAdmin([]byte(kubeadmFile(admin)))
	if diff := cmp.Diff(admin, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	names := Names{Cluster: "lab", User: "lab-admin", Context: "lab-admin@lab"}
	written, err := got.Kubeconfig(netip.MustParseAddrPort("[fd12::4:175]:443"), names)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseAdmin(written)
	if diff := cmp.Diff(admin, again); diff != "" || err != nil {
		t.Errorf("the kubeconfig that was written parses as %v (-want +got):\n%s", err, diff)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(written)
	if err != nil || config.Host != "https://[fd12::4:175]:443" {
		t.Errorf("kubectl would ask %v, %v", config, err)
	}
}

// TestHostileAdminKubeconfigs tries everything that client-go would act on in a kubeconfig from a host, one thing at a
// time, and malformed credentials.
func TestHostileAdminKubeconfigs(t *testing.T) {
	t.Parallel()
	own := certtest.New(t)
	admin, other := issueAdmin(t, own), issueAdmin(t, own)
	data := base64.StdEncoding.EncodeToString
	ca, certificate, key := data(admin.CA), data(admin.Certificate), data(admin.Key)
	headers := map[string]string{"Proc-Type": "4,ENCRYPTED"}
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: headers, Bytes: []byte{1}})
	user, cluster := "  user:\n", "- cluster:\n"
	for name, test := range map[string]struct{ from, to, want string }{
		"exec": {user, user + "    exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh}\n", `"users[0].user.exec"`},
		"exec, written otherwise": {
			user, user + "    Exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh}\n", `"users[0].user.Exec"`,
		},
		"auth-provider":        {user, user + "    auth-provider: {name: gcp}\n", `"users[0].user.auth-provider"`},
		"token":                {user, user + "    token: abc\n", `"users[0].user.token"`},
		"tokenFile":            {user, user + "    tokenFile: /root/secret\n", `"users[0].user.tokenFile"`},
		"username":             {user, user + "    username: a\n", `"users[0].user.username"`},
		"password":             {user, user + "    password: b\n", `"users[0].user.password"`},
		"certificate path":     {user, user + "    client-certificate: /root/a.crt\n", `"users[0].user.client-certificate"`},
		"key path":             {user, user + "    client-key: /root/a.key\n", `"users[0].user.client-key"`},
		"as":                   {user, user + "    as: root\n", `"users[0].user.as"`},
		"as-uid":               {user, user + "    as-uid: 0\n", `"users[0].user.as-uid"`},
		"as-groups":            {user, user + "    as-groups: [a]\n", `"users[0].user.as-groups"`},
		"as-user-extra":        {user, user + "    as-user-extra: {a: [b]}\n", `"users[0].user.as-user-extra"`},
		"user's extensions":    {user, user + "    extensions: []\n", `"users[0].user.extensions"`},
		"CA path":              {cluster, cluster + "    certificate-authority: /root/ca.crt\n", `"clusters[0].cluster.certificate-authority"`},
		"proxy":                {cluster, cluster + "    proxy-url: http://192.0.2.1\n", `"clusters[0].cluster.proxy-url"`},
		"no verification":      {cluster, cluster + "    insecure-skip-tls-verify: true\n", `"clusters[0].cluster.insecure-skip-tls-verify"`},
		"server name":          {cluster, cluster + "    tls-server-name: a\n", `"clusters[0].cluster.tls-server-name"`},
		"no compression":       {cluster, cluster + "    disable-compression: true\n", `"clusters[0].cluster.disable-compression"`},
		"cluster's extensions": {cluster, cluster + "    extensions: []\n", `"clusters[0].cluster.extensions"`},
		"extensions":           {"kind: Config\n", "kind: Config\nextensions: []\n", `"extensions"`},
		"preferences":          {"preferences: {}", "preferences: {colors: true}", `"preferences.colors"`},
		"namespace": {
			"    user: kubernetes-admin\n", "    user: kubernetes-admin\n    namespace: a\n", `"contexts[0].context.namespace"`,
		},
		"a field twice":       {"kind: Config\n", "kind: Config\nkind: Config\n", `"kind" already set`},
		"two users":           {"users:\n", "users:\n- name: b\n  user: {}\n", "users has 2 entries instead of 1"},
		"two clusters":        {"clusters:\n", "clusters:\n- name: b\n  cluster: {}\n", "clusters has 2 entries instead of 1"},
		"two contexts":        {"contexts:\n", "contexts:\n- name: b\n  context: {}\n", "contexts has 2 entries instead of 1"},
		"another context":     {"current-context: kubernetes-admin@lab", "current-context: b", `current-context is "b"`},
		"a context's cluster": {"    cluster: lab\n", "    cluster: b\n", `contexts[0].context.cluster is "b"`},
		"a context's user":    {"    user: kubernetes-admin\n", "    user: b\n", `contexts[0].context.user is "b"`},
		"another kind":        {"kind: Config", "kind: Secret", `kind "Secret"`},
		"another version":     {"apiVersion: v1", "apiVersion: v2", `apiVersion is "v2"`},
		"no YAML":             {"kind: Config", "kind: [", "it is not a YAML document"},
		"another type":        {"kind: Config", "kind: [1]", "it is not a kubeconfig"},
		"no base64":           {ca, "a.b", "it is not a kubeconfig"},
		"no CA":               {ca, `""`, "certificate-authority-data is missing"},
		"garbage as CA":       {ca, data([]byte("garbage")), "certificate-authority-data holds no PEM block"},
		"PEM of garbage": {
			ca, data([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), "holds no certificate",
		},
		"a key as CA":         {ca, key, "certificate-authority-data holds a EC PRIVATE KEY instead of a certificate"},
		"a certificate as CA": {ca, certificate, "is not the certificate of a certificate authority"},
		"two certificates": {
			certificate, data(append(admin.Certificate, other.Certificate...)), "client-certificate-data holds more than one PEM block",
		},
		"text behind the block": {certificate, data(append(admin.Certificate, "x"...)), "client-certificate-data holds more than one PEM block"},
		"no key":                {key, `""`, "client-key-data is missing"},
		"an encrypted key":      {key, data(encrypted), "client-key-data holds a PEM block with headers"},
		"another key":           {key, data(other.Key), "client-key-data is not the key of client-certificate-data"},
		"an endless file":       {"kind: Config", "kind: Config\n# " + strings.Repeat("a", maxKubeconfig), "longer than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := kubeadmFile(admin)
			changed := strings.Replace(file, test.from, test.to, 1)
			if changed == file {
				t.Fatalf("there is no %q", test.from)
			}
			got, err := ParseAdmin([]byte(changed))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %s", err, test.want)
			}
			if diff := cmp.Diff(Admin{}, got); diff != "" {
				t.Errorf("it returns credentials (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseAdminTakesClientGo checks that ParseAdmin accepts what client-go writes. kubeadm uses client-go's writer, so
// a field that a later version writes by default would break it.
func TestParseAdminTakesClientGo(t *testing.T) {
	t.Parallel()
	admin := issueAdmin(t, certtest.New(t))
	full := clientcmdapi.NewConfig()
	full.Clusters["lab"] = &clientcmdapi.Cluster{Server: "https://10.2.0.175:443", CertificateAuthorityData: admin.CA}
	full.AuthInfos["a"] = &clientcmdapi.AuthInfo{ClientCertificateData: admin.Certificate, ClientKeyData: admin.Key}
	full.Contexts["c"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: "a"}
	full.CurrentContext = "c"
	content, err := clientcmd.Write(*full)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseAdmin(content); err != nil {
		t.Errorf("what client-go writes of the three credentials is refused: %v", err)
	}
}
