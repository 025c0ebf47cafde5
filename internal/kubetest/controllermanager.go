package kubetest

import (
	"path/filepath"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/dualstrap/dualstrap/internal/certtest"
)

// RunControllerManager runs the named controllers of kube-controller-manager until the test ends. controllers is the
// value of its flag --controllers.
func RunControllerManager(tb testing.TB, config *rest.Config, controllers string, args ...string) {
	tb.Helper()
	dir := tb.TempDir()
	admin := clientcmdapi.NewConfig()
	admin.Clusters["test"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthority: config.CAFile}
	admin.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	admin.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	admin.CurrentContext = "test"
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*admin, kubeconfig); err != nil {
		tb.Fatal(err)
	}
	run(tb, dir, "kube-controller-manager", append([]string{
		"--kubeconfig=" + kubeconfig, "--controllers=" + controllers, "--leader-elect=false", "--secure-port=0",
	}, args...)...)
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("kube-controller-manager:\n%s", tail(filepath.Join(dir, "kube-controller-manager.log")))
		}
	})
}

// Sign makes kube-controller-manager sign approved certificate signing requests with an authority until the test ends.
func Sign(tb testing.TB, config *rest.Config, authority certtest.Authority) {
	tb.Helper()
	dir := tb.TempDir()
	RunControllerManager(tb, config, "certificatesigningrequest-signing-controller",
		"--cluster-signing-cert-file="+writeFile(tb, dir, "ca.crt", authority.PEM()),
		"--cluster-signing-key-file="+writeFile(tb, dir, "ca.key", authority.KeyPEM(tb)))
}
