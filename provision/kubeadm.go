package provision

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/render"
)

//go:embed scripts/*.sh
var scripts embed.FS

// joinedPath is written when kubeadm has come to its end: a host without it is no node, whatever else
// is there.
const joinedPath = "/etc/dualstrap/joined"

// script reads one of the package's scripts.
func script(name, file string, args ...string) (remote.Script, error) {
	body, err := scripts.ReadFile("scripts/" + file + ".sh")
	if err != nil {
		return remote.Script{}, fmt.Errorf("cannot read a script of this program: %w", err)
	}
	return remote.Script{Name: name, Body: string(body), Args: args}, nil
}

// run runs one of the package's scripts that call kubeadm, or get into its way.
func run(ctx context.Context, host remote.Host, name, file string, args ...string) error {
	alone, err := script(name, "kubeadm_lock")
	if err != nil {
		return err
	}
	s, err := script(name, file, args...)
	if err != nil {
		return err
	}
	s.Body = alone.Body + s.Body
	_, err = host.Run(ctx, s)
	return err
}

// joinState is how far a host is on the way to being a node.
type joinState struct {
	joined bool
	// balances says that it carries the control plane's VIP with a kubelet of its own.
	balances bool
	// partial is something of an init or a join that did not come to its end; empty when there is nothing.
	partial string
}

func readJoinState(ctx context.Context, host remote.Reader) (joinState, error) {
	s, err := script("read the join state", "join_state")
	if err != nil {
		return joinState{}, err
	}
	answer, err := host.Probe(ctx, s)
	if err != nil {
		return joinState{}, err
	}
	_, joined := answer.Values["joined"]
	_, balances := answer.Values["balances"]
	return joinState{joined: joined, balances: balances, partial: answer.Text("half")}, nil
}

// cleanUpFailedJoin takes back what an init or a join left that did not come to its end, if one did: half a node is no base
// for another try.
func (s *Session) cleanUpFailedJoin(ctx context.Context, host remote.Host, progress joinState) error {
	if progress.partial == "" {
		return nil
	}
	alone, err := script("stop the kubeadm of an earlier run", "kubeadm_lock")
	if err != nil {
		return err
	}
	if _, err := host.Run(ctx, alone); err != nil {
		return err
	}
	// As long as its etcd runs: of two members, one cannot let the other go without it.
	if s.index[host.Address()].ControlPlane {
		if err := s.removeEtcdMember(ctx, host.Address()); err != nil {
			return fmt.Errorf("cannot take the host out of etcd, where an earlier try has made it a member: %w", err)
		}
	}
	if err := run(ctx, host, "clean up a failed join", "kubeadm_reset", render.CRISocket); err != nil {
		return err
	}
	if err := s.removeVIP(ctx, host); err != nil {
		return err
	}
	client, err := s.api.client(ctx)
	if errors.Is(err, errNoCluster) {
		return nil
	}
	if err != nil {
		return err
	}
	return client.MarkUnready(ctx, s.index[host.Address()].NodeFacts().Name)
}

// removeVIP takes the control plane's VIP off a host that may have it, and whose pods have ended.
func (s *Session) removeVIP(ctx context.Context, host remote.Host) error {
	if !s.cluster.Bundled || !s.index[host.Address()].Balancer {
		return nil
	}
	return run(ctx, host, "remove the control plane VIP from the host", "remove_vip", s.cluster.Endpoint.Addr().String())
}

// setInitialCapacity tells the cluster what a host has that is about to join. Its Node is there already, with its pod ranges.
func (s *Session) setInitialCapacity(ctx context.Context, address netip.Addr) error {
	client, err := s.api.client(ctx)
	if err != nil {
		return err
	}
	host := s.index[address]
	return client.SetInitialCapacity(ctx, host.NodeFacts().Name, kube.Capacity{
		CPUs: host.Facts.CPUs, Memory: host.Facts.Memory, Pods: s.loaded.Config.MaxPodsPerNode,
	})
}

// kubeadm makes a host a node: with init or with join, from the files that are rendered for that.
func (s *Session) kubeadm(ctx context.Context, host remote.Host, verb string, files render.HostFiles) error {
	joining := slices.DeleteFunc(slices.Clone(files.Files), func(file render.File) bool { return !isForJoining(file.Path) })
	if _, err := host.WriteFiles(ctx, remoteFiles(joining)); err != nil {
		return err
	}
	if err := run(ctx, host, "kubeadm "+verb, verb, render.KubeadmConfig); err != nil {
		return s.explain(ctx, host, verb, err)
	}
	if _, err := host.WriteFiles(ctx, []remote.File{{Path: joinedPath, Mode: 0o644, Content: []byte(joinedMarker)}}); err != nil {
		return err
	}
	s.api.markJoined(host.Address())
	return nil
}

// remoteFiles are rendered files as they go to a host.
func remoteFiles(files []render.File) []remote.File {
	var to []remote.File
	for _, file := range files {
		to = append(to, remote.File{Path: file.Path, Mode: file.Mode, Content: file.Content})
	}
	return to
}

// joinedMarker tells who looks into the file what it is for.
const joinedMarker = "kubeadm has come to its end on this host: it is a node.\n"

// scratchDir is where scripts keep secrets for a moment: in memory, not on a disk.
const scratchDir = "/run"

// uploadCertificates leaves the control plane's certificates in the cluster, encrypted.
func (s *Session) uploadCertificates(ctx context.Context, key string) error {
	member, err := s.api.joinedControlPlane(ctx)
	if err != nil {
		return err
	}
	// kubeadm talks to the API server that its configuration has beside it: the member's own.
	files, err := s.renderHosts(render.Discovered{CertificateKey: key, InitNode: member.Address()})
	if err != nil {
		return err
	}
	upload, err := script("leave certificates for other control plane nodes", "upload_certs", scratchDir)
	if err != nil {
		return err
	}
	for _, file := range files[member.Address()].Files {
		if file.Path == render.KubeadmConfig {
			upload.Stdin = bytes.NewReader(file.Content)
		}
	}
	_, err = member.Run(ctx, upload)
	return err
}

// KubeadmError is an init or a join that failed, with what the host's logs say about it.
type KubeadmError struct {
	Verb string
	Err  error
	// Lines are of the kubelet's and the containers' logs.
	Lines []string
}

// Error implements error.
func (e *KubeadmError) Error() string {
	text := fmt.Sprintf("cannot %s: %v", e.Verb, e.Err)
	for _, line := range e.Lines {
		text += "\n    " + line
	}
	return text
}

// Unwrap gives the cause.
func (e *KubeadmError) Unwrap() error { return e.Err }

// explain adds the lines of the host's logs that tell why kubeadm failed.
func (s *Session) explain(ctx context.Context, host remote.Reader, verb string, cause error) error {
	var failed *remote.CommandError
	if !errors.As(cause, &failed) || ctx.Err() != nil {
		return cause
	}
	explained := &KubeadmError{Verb: verb, Err: cause}
	ask, err := script("look for the reason in the logs", "diagnose")
	if err != nil {
		return errors.Join(explained, err)
	}
	answer, err := host.Probe(ctx, ask)
	if err != nil {
		return explained // what is known is said all the same
	}
	explained.Lines = append(logErrors(answer.Values["kubelet"].Output), lastLogLines(answer.Text("containers"))...)
	return explained
}

// maxLogErrors bounds how many lines of a log are repeated.
const maxLogErrors = 5

// logErrors are the last different errors in a log of klog's form; the same one over and over is one.
func logErrors(log []byte) []string {
	var lines []string
	seen := map[string]bool{}
	all := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	for i := len(all) - 1; i >= 0 && len(lines) < maxLogErrors; i-- {
		line := string(all[i])
		if !strings.HasPrefix(line, "E") && !strings.Contains(line, "level=error") && !strings.Contains(line, "command failed") {
			continue
		}
		_, what, found := strings.Cut(line, "] ")
		if !found {
			what = line
		}
		if !seen[what] {
			seen[what] = true
			lines = append([]string{"kubelet: " + shorten(what)}, lines...)
		}
	}
	return lines
}

// lastLogLines are the ends of containers' logs that hold a complaint.
func lastLogLines(text string) []string {
	var lines []string
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, isName := strings.CutPrefix(line, "== "); isName {
			name, _, _ = strings.Cut(rest, "_")
			continue
		}
		// TIME STREAM TAG MESSAGE, as the container runtime interface has it.
		fields := strings.SplitN(line, " ", 4)
		if len(fields) == 4 && (strings.HasPrefix(fields[3], "E") || strings.HasPrefix(fields[3], "F") ||
			strings.Contains(fields[3], `"level":"fatal"`) || strings.Contains(fields[3], `"level":"error"`)) {
			lines = append(lines, name+": "+shorten(fields[3]))
		}
	}
	return lines[max(0, len(lines)-maxLogErrors):]
}

// shorten keeps a line of a log readable in a message.
func shorten(line string) string {
	const most = 300
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "..."
}
