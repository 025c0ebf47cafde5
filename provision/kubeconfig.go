package provision

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfig is the administrator's, with names that tell clusters apart when files are merged. It is
// nil as long as there is no cluster.
func (s *Site) kubeconfig() ([]byte, error) {
	if s.access.kubeconfig == nil {
		return nil, errNoCluster
	}
	from, err := clientcmd.Load(s.access.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("cannot read the administrator's kubeconfig: %w", err)
	}
	current := from.Contexts[from.CurrentContext]
	if current == nil || from.Clusters[current.Cluster] == nil || from.AuthInfos[current.AuthInfo] == nil {
		return nil, fmt.Errorf("cannot use the administrator's kubeconfig: its context %q is not whole", from.CurrentContext)
	}
	cluster := s.verdict.Config.Name
	user := cluster + "-admin"
	context := user + "@" + cluster
	to := clientcmdapi.NewConfig()
	to.Clusters[cluster] = from.Clusters[current.Cluster]
	to.AuthInfos[user] = from.AuthInfos[current.AuthInfo]
	to.Contexts[context] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: user}
	to.CurrentContext = context
	return clientcmd.Write(*to)
}
