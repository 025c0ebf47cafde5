package kube

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Admin holds the credentials of a cluster's administrator and the CA that its API servers' certificates are verified
// against. Each field is exactly one PEM block.
type Admin struct{ CA, Certificate, Key []byte }

// maxKubeconfig bounds a kubeconfig, in bytes. The one that kubeadm writes has less than 8 KiB.
const maxKubeconfig = 64 << 10

// adminFile is a kubeconfig as kubeadm writes it. A kubeconfig may also name programs to run, local files to send, and
// proxies to send them to (k8s.io/client-go/tools/clientcmd/api). This one comes from a host, so it must not contain
// anything that client-go would act on: ParseAdmin rejects every field that is not declared here.
type adminFile struct {
	APIVersion     string   `json:"apiVersion"`
	Kind           string   `json:"kind"`
	Preferences    struct{} `json:"preferences"` // kubeadm writes an empty object
	CurrentContext string   `json:"current-context"`
	Clusters       []struct {
		Name    string `json:"name"`
		Cluster struct {
			// Server is ignored: callers know the address of their cluster.
			Server string `json:"server"`
			CA     []byte `json:"certificate-authority-data"`
		} `json:"cluster"`
	} `json:"clusters"`
	Contexts []struct {
		Name    string `json:"name"`
		Context struct {
			Cluster string `json:"cluster"`
			User    string `json:"user"`
		} `json:"context"`
	} `json:"contexts"`
	Users []struct {
		Name string `json:"name"`
		User struct {
			Certificate []byte `json:"client-certificate-data"`
			Key         []byte `json:"client-key-data"`
		} `json:"user"`
	} `json:"users"`
}

// ParseAdmin returns the administrator's credentials from a kubeconfig that kubeadm, or [Admin.Kubeconfig], wrote. It
// uses nothing else of the file. The error names the first unexpected field, or the credential that is malformed.
func ParseAdmin(kubeconfig []byte) (Admin, error) {
	if len(kubeconfig) > maxKubeconfig {
		return Admin{}, fmt.Errorf("it is longer than %d bytes", maxKubeconfig)
	}
	content, err := yaml.YAMLToJSONStrict(kubeconfig)
	if err != nil {
		return Admin{}, fmt.Errorf("it is not a YAML document: %w", err)
	}
	var file adminFile
	// Strict errors are unknown and duplicate fields. They are reported separately from those of invalid JSON.
	strict, err := json.UnmarshalStrict(content, &file)
	switch {
	case err != nil:
		return Admin{}, fmt.Errorf("it is not a kubeconfig: %w", err)
	case len(strict) > 0:
		return Admin{}, fmt.Errorf("%w, which neither kubeadm nor dualstrap writes", strict[0])
	}
	if err := file.check(); err != nil {
		return Admin{}, err
	}
	return newAdmin(file.Clusters[0].Cluster.CA, file.Users[0].User.Certificate, file.Users[0].User.Key)
}

// check rejects a file that has more than one cluster, context or user, or a reference to one that it does not define.
// Such a file would leave the choice of the credentials to its reader.
func (f *adminFile) check() error {
	if f.APIVersion != "v1" || f.Kind != "Config" {
		return fmt.Errorf("it is not a kubeconfig: apiVersion is %q and kind %q", f.APIVersion, f.Kind)
	}
	for _, list := range []struct {
		field string
		size  int
	}{{"clusters", len(f.Clusters)}, {"contexts", len(f.Contexts)}, {"users", len(f.Users)}} {
		if list.size != 1 {
			return fmt.Errorf("%s has %d entries instead of 1", list.field, list.size)
		}
	}
	current := f.Contexts[0]
	for _, reference := range []struct{ field, name, target string }{
		{"current-context", f.CurrentContext, current.Name},
		{"contexts[0].context.cluster", current.Context.Cluster, f.Clusters[0].Name},
		{"contexts[0].context.user", current.Context.User, f.Users[0].Name},
	} {
		if reference.name != reference.target {
			return fmt.Errorf("%s is %q, and the only one there is called %q", reference.field, reference.name, reference.target)
		}
	}
	return nil
}

// newAdmin parses and validates each credential. It encodes them again from what it parsed, so that text around the PEM
// blocks is dropped. The errors complete a sentence that begins with the field's name.
func newAdmin(ca, certificate, key []byte) (Admin, error) {
	authority, err := certificateIn(ca)
	if err != nil {
		return Admin{}, fmt.Errorf("certificate-authority-data %w", err)
	}
	if !authority.IsCA {
		return Admin{}, errors.New("certificate-authority-data is not the certificate of a certificate authority")
	}
	own, err := certificateIn(certificate)
	if err != nil {
		return Admin{}, fmt.Errorf("client-certificate-data %w", err)
	}
	block, err := blockIn(key)
	if err != nil {
		return Admin{}, fmt.Errorf("client-key-data %w", err)
	}
	admin := Admin{CA: encoded(authority), Certificate: encoded(own), Key: pem.EncodeToMemory(block)}
	// This is how client-go will use them. It is better to fail here, with the name of the field.
	if _, err := tls.X509KeyPair(admin.Certificate, admin.Key); err != nil {
		return Admin{}, fmt.Errorf("client-key-data is not the key of client-certificate-data: %w", err)
	}
	return admin, nil
}

// encoded returns the certificate as one PEM block.
func encoded(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: certificate.Raw})
}

// certificateBlock is the type of a PEM block that holds an X.509 certificate (RFC 7468, section 5).
const certificateBlock = "CERTIFICATE"

// certificateIn parses data that must be the PEM block of one certificate.
func certificateIn(data []byte) (*x509.Certificate, error) {
	block, err := blockIn(data)
	if err != nil {
		return nil, err
	}
	if block.Type != certificateBlock {
		return nil, fmt.Errorf("holds a %s instead of a certificate", block.Type)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("holds no certificate: %w", err)
	}
	return certificate, nil
}

// blockIn returns the only PEM block in data. Blocks with headers are rejected: the headers of an encrypted key would
// make its reader ask for a password.
func blockIn(data []byte) (*pem.Block, error) {
	if len(data) == 0 {
		return nil, errors.New("is missing")
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("holds no PEM block")
	case len(block.Headers) > 0:
		return nil, errors.New("holds a PEM block with headers")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("holds more than one PEM block")
	}
	return block, nil
}

// Names are the names of the entries of a kubeconfig. They keep clusters apart when kubeconfigs are merged.
type Names struct{ Cluster, User, Context string }

// Kubeconfig returns a kubeconfig whose only context uses the administrator's credentials for the API servers at
// endpoint.
func (a Admin) Kubeconfig(endpoint netip.AddrPort, names Names) ([]byte, error) {
	file := clientcmdapi.NewConfig()
	file.Clusters[names.Cluster] = &clientcmdapi.Cluster{Server: serverURL(endpoint), CertificateAuthorityData: a.CA}
	file.AuthInfos[names.User] = &clientcmdapi.AuthInfo{ClientCertificateData: a.Certificate, ClientKeyData: a.Key}
	file.Contexts[names.Context] = &clientcmdapi.Context{Cluster: names.Cluster, AuthInfo: names.User}
	file.CurrentContext = names.Context
	return clientcmd.Write(*file)
}

// serverURL returns the URL of the API servers at endpoint, as kubeadm writes it into a kubeconfig.
func serverURL(endpoint netip.AddrPort) string { return "https://" + endpoint.String() }
