//go:build integration

package agent

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/libcni"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"go4.org/netipx"
	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/render/cni"
)

// pod is a namespace that the CNI plugins have connected.
type pod struct {
	*nettest.Namespace
	host  *host
	addrs family.Pair[netip.Addr]
}

// addPod runs the plugins like a container runtime, with the configuration that the agent wrote.
func (h *host) addPod(name string) *pod {
	h.site.t.Helper()
	return h.addPods(name)[0]
}

// addPods connects pods concurrently, as a kubelet does.
func (h *host) addPods(names ...string) []*pod {
	h.site.t.Helper()
	pods := make([]*pod, len(names))
	for i, name := range names {
		pods[i] = &pod{Namespace: nettest.New(h.site.t, name), host: h}
	}
	h.together(pods, (*pod).connect)
	return pods
}

// deletePods disconnects pods concurrently.
func (h *host) deletePods(pods ...*pod) {
	h.site.t.Helper()
	h.together(pods, (*pod).disconnect)
}

func (h *host) together(pods []*pod, do func(*pod) error) {
	h.site.t.Helper()
	const atOnce = 10
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, p := range pods {
		group.Go(func() error { return do(p) })
	}
	if err := group.Wait(); err != nil {
		h.site.t.Fatal(err)
	}
}

// connect retries like a kubelet: ptp waits at most ten seconds for duplicate address detection, which may take longer
// on a busy machine.
func (p *pod) connect() error {
	const tries = 5
	var failures []error
	for range tries {
		err := p.add()
		if err == nil {
			return nil
		}
		failures = append(failures, err, p.disconnect())
	}
	return fmt.Errorf("cannot connect pod %s: %w", p.Name, errors.Join(failures...))
}

func (p *pod) add() error {
	return p.withPlugins(func(plugins *libcni.CNIConfig, list *libcni.NetworkConfigList, runtime *libcni.RuntimeConf) error {
		result, err := plugins.AddNetworkList(p.host.site.t.Context(), list, runtime)
		if err != nil {
			return err
		}
		converted, err := types100.NewResultFromResult(result)
		if err != nil {
			return err
		}
		for _, ip := range converted.IPs {
			prefix, _ := netipx.FromStdIPNet(&ip.Address)
			p.addrs[family.Of(prefix.Addr())] = prefix.Addr()
		}
		return nil
	})
}

func (p *pod) disconnect() error {
	err := p.withPlugins(func(plugins *libcni.CNIConfig, list *libcni.NetworkConfigList, runtime *libcni.RuntimeConf) error {
		return plugins.DelNetworkList(p.host.site.t.Context(), list, runtime)
	})
	if err != nil {
		return fmt.Errorf("cannot disconnect pod %s: %w", p.Name, err)
	}
	return nil
}

// withPlugins calls use in the node's namespace with the node's CNI configuration.
func (p *pod) withPlugins(use func(*libcni.CNIConfig, *libcni.NetworkConfigList, *libcni.RuntimeConf) error) error {
	content, err := os.ReadFile(filepath.Join(p.host.dir, cni.FileName))
	if err != nil {
		return err
	}
	// The nodes share one file system, so each gets its own directory of host-local.
	content = bytes.ReplaceAll(content, []byte("/run/dualstrap/cni"), []byte(filepath.Join(p.host.dir, "addresses")))
	list, err := libcni.ConfListFromBytes(content)
	if err != nil {
		return err
	}
	plugins := libcni.NewCNIConfigWithCacheDir([]string{toolsDir()}, filepath.Join(p.host.dir, "cache"), nil)
	runtime := &libcni.RuntimeConf{ContainerID: p.Name, NetNS: p.Path(), IfName: "eth0"}
	return p.host.Do(func() error { return use(plugins, list, runtime) })
}

func toolsDir() string {
	if dir := os.Getenv("DUALSTRAP_TOOLS"); dir != "" {
		return dir
	}
	dir, _ := filepath.Abs("../build/tools") // it fails without a working directory
	return dir
}
