package clustertest

import (
	"errors"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/render"
)

// probes returns the scripts that only read, by name.
func probes() map[string]behavior {
	return map[string]behavior{
		"probe host":                      probeHost,
		"probe network":                   probeNetwork,
		"survey the host":                 survey,
		"read the record of changes":      readRecord,
		"read the join state":             readJoinState,
		"look for the reason in the logs": func(*Host, remote.Script, *answers) error { return nil },
		"read the keys of Secrets":        readKeys,
		"make a key for Secrets":          makeKey,
		"read firewalld's state":          func(*Host, remote.Script, *answers) error { return nil }, // it does not run
	}
}

// changes returns the scripts that change a host, by name.
func changes() map[string]behavior {
	nothing := func(*Host, remote.Script, *answers) error { return nil }
	return map[string]behavior{
		"record the previous state":                        record,
		"make settings and units take effect":              takeEffect,
		"undo changes":                                     undo,
		"remove the record of changes":                     finishUndo,
		"kubeadm init":                                     kubeadmInit,
		"kubeadm join":                                     kubeadmJoin,
		"clean up a failed join":                           kubeadmReset,
		"stop the kubeadm of an earlier run":               stopKubeadm,
		"leave certificates for other control plane nodes": uploadCertificates,
		"start the load balancer":                          startLoadBalancer,
		"remove the control plane VIP from the host":       nothing,
		"stop the kubelet":                                 stopKubelet,
		"end all pods and remove their network":            stopPods,
		"remove the join marker":                           removeJoinMarker,
	}
}

// standalone is the unit of the kubelet that runs a load balancer on a host that has not joined.
const standalone = "dualstrap-standalone.service"

// readJoinState answers how far the host has come in becoming a node.
func readJoinState(h *Host, _ remote.Script, answer *answers) error {
	if h.exists(session.JoinedPath) {
		answer.add("joined", "")
		return nil
	}
	if h.units[standalone].active {
		answer.add("balances", "")
	}
	for _, path := range []string{
		"/etc/kubernetes/admin.conf", "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt",
		"/var/lib/kubelet/config.yaml", "/var/lib/etcd/member",
	} {
		if h.exists(path) {
			answer.add("partial", path+"\n")
			break
		}
	}
	return nil
}

// stopKubeadm stops a kubeadm of an earlier run, which has just added a member to etcd.
func stopKubeadm(h *Host, _ remote.Script, _ *answers) error {
	if h.lingers && h.controlPlane {
		h.lingers = false
		return h.cluster.etcd.add(h)
	}
	return nil
}

// startLoadBalancer starts the standalone kubelet.
func startLoadBalancer(h *Host, script remote.Script, _ *answers) error {
	if !h.exists(script.Args["config"]) || !h.exists(render.StaticPods+"/haproxy.yaml") {
		return errors.New("there is nothing to run")
	}
	h.units[standalone] = unit{active: true}
	return nil
}

// stopKubelet stops what starts pods.
func stopKubelet(h *Host, _ remote.Script, _ *answers) error {
	h.stop("kubelet.service", standalone)
	return nil
}

// stopPods ends all pods, and with them the control plane of the host.
func stopPods(h *Host, _ remote.Script, _ *answers) error {
	if h.units["kubelet.service"].active {
		return errors.New("the kubelet starts the pods again")
	}
	h.apiServer, h.etcd = false, false
	return nil
}

// removeJoinMarker removes what kubeadm's phases have written.
func removeJoinMarker(h *Host, script remote.Script, _ *answers) error {
	h.remove(session.JoinedPath)
	h.remove("/etc/dualstrap/kubeadm")
	h.remove(script.Args["keys"])
	return nil
}
