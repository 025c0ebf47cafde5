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

// joinedPath is the marker that is written when kubeadm has finished. A host without it is not a node, whatever else
// exists there. The join_state and remove_join_marker scripts use the same path.
const joinedPath = "/etc/dualstrap/joined"

// script returns one of the package's embedded scripts. name describes it in logs and errors.
func script(name, file string, args remote.Args) (remote.Script, error) {
	body, err := scripts.ReadFile("scripts/" + file + ".sh")
	if err != nil {
		return remote.Script{}, fmt.Errorf("cannot read a script of this program: %w", err)
	}
	return remote.NewScript(name, args, string(body))
}

// run runs one of the package's scripts under the kubeadm lock of the host. All scripts that call kubeadm, or that must
// not run at the same time, use it.
func run(ctx context.Context, host remote.Host, name, file string, args remote.Args) error {
	lock, err := script(name, "kubeadm_lock", nil)
	if err != nil {
		return err
	}
	s, err := script(name, file, args)
	if err != nil {
		return err
	}
	s.Body = lock.Body + s.Body
	_, err = host.Run(ctx, s)
	return err
}

// joinState describes how far a host has come in becoming a node.
type joinState struct {
	// joined reports whether kubeadm has finished. The other fields are not set then.
	joined bool
	// balances reports whether the host carries the control plane's VIP with a standalone kubelet.
	balances bool
	// partial is the path of something that an unfinished init or join has left, or a description of a kubeadm that still
	// runs; empty if there is nothing.
	partial string
}

// readJoinState reads the join state of a host. If a kubeadm still runs there, it waits for 30 seconds at most, and for two
// minutes on a node, where the lock is not held for a join.
func readJoinState(ctx context.Context, host remote.Reader) (joinState, error) {
	s, err := script("read the join state", "join_state", nil)
	if err != nil {
		return joinState{}, err
	}
	answer, err := host.Probe(ctx, s)
	if err != nil {
		return joinState{}, err
	}
	_, joined := answer.Values["joined"]
	_, balances := answer.Values["balances"]
	return joinState{joined: joined, balances: balances, partial: answer.Text("partial")}, nil
}

// cleanUpFailedJoin reverts an init or a join that did not finish: kubeadm cannot continue from a partially joined node. It
// does nothing if state has no leftovers.
func (s *Session) cleanUpFailedJoin(ctx context.Context, host remote.Host, state joinState) error {
	if state.partial == "" {
		return nil
	}
	lock, err := script("stop the kubeadm of an earlier run", "kubeadm_lock", nil)
	if err != nil {
		return err
	}
	if _, err := host.Run(ctx, lock); err != nil {
		return err
	}
	// This must precede kubeadm reset, while the host's etcd still runs: an etcd of two members needs both for the quorum
	// that removes one.
	if s.index[host.Address()].ControlPlane {
		if err := s.removeEtcdMember(ctx, host.Address()); err != nil {
			return fmt.Errorf("cannot take the host out of etcd, where an earlier try has made it a member: %w", err)
		}
	}
	if err := run(ctx, host, "clean up a failed join", "kubeadm_reset", remote.Args{"socket": render.CRISocket}); err != nil {
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
	// kubeadm refuses to join a host as long as a ready Node has its name.
	return client.MarkUnready(ctx, s.index[host.Address()].NodeFacts().Name)
}

// removeVIP removes the control plane's VIP from a host that may carry it. The host's pods must have ended: keepalived
// would add the VIP again.
func (s *Session) removeVIP(ctx context.Context, host remote.Host) error {
	if !s.index[host.Address()].Balancer {
		return nil
	}
	args := remote.Args{"vip": s.cluster.Endpoint.Addr().String()}
	return run(ctx, host, "remove the control plane VIP from the host", "remove_vip", args)
}

// setInitialCapacity writes the capacity of a host that is about to join to the status of its Node. The Node exists
// already, because create applies it with its pod ranges, and the kubelet admits static pods by the capacity in it.
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

// kubeadm makes a host a node with kubeadm init or kubeadm join, as verb says, and writes the marker when it has finished.
// files are all files of the host; kubeadm writes those that only joining hosts get.
func (s *Session) kubeadm(ctx context.Context, host remote.Host, verb string, files render.HostFiles) error {
	joining := slices.DeleteFunc(slices.Clone(files.Files), func(file render.File) bool { return !isForJoining(file.Path) })
	if _, err := host.WriteFiles(ctx, remoteFiles(joining)); err != nil {
		return err
	}
	// The scripts remove kubeadm's configuration when they end, because it holds secrets.
	if err := run(ctx, host, "kubeadm "+verb, verb, remote.Args{"config": render.KubeadmConfig}); err != nil {
		return s.explain(ctx, host, verb, err)
	}
	if _, err := host.WriteFiles(ctx, []remote.File{{Path: joinedPath, Mode: 0o644, Content: []byte(joinedMarker)}}); err != nil {
		return err
	}
	s.api.markJoined(host.Address())
	return nil
}

// remoteFiles converts rendered files to the type of package remote.
func remoteFiles(files []render.File) []remote.File {
	var to []remote.File
	for _, file := range files {
		to = append(to, remote.File{Path: file.Path, Mode: file.Mode, Content: file.Content})
	}
	return to
}

// joinedMarker is the content of joinedPath. It is for administrators; dualstrap only checks that the file exists.
const joinedMarker = "kubeadm has finished on this host: it is a node.\n"

// scratchDir is where scripts keep secrets temporarily. It is a tmpfs, so they never reach a disk.
const scratchDir = "/run"

// uploadCertificates stores the control plane's certificates in the cluster for the control plane nodes that join, in the
// Secret kubeadm-certs. key encrypts them.
func (s *Session) uploadCertificates(ctx context.Context, key string) error {
	member, err := s.api.joinedControlPlane(ctx)
	if err != nil {
		return err
	}
	// kubeadm uses the API server in its configuration: that of the member itself, not the VIP.
	files, err := s.renderHosts(render.Discovered{CertificateKey: key, InitNode: member.Address()})
	if err != nil {
		return err
	}
	upload, err := script("leave certificates for other control plane nodes", "upload_certs", remote.Args{"scratch": scratchDir})
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

// kubeadmError reports a failed kubeadm init or join, with related errors from the host's logs.
type kubeadmError struct {
	Verb string // init or join
	Err  error
	// Lines holds lines of the logs of the kubelet and of control plane containers; it may be empty.
	Lines []string
}

// Error implements error.
func (e *kubeadmError) Error() string {
	text := fmt.Sprintf("cannot %s: %v", e.Verb, e.Err)
	for _, line := range e.Lines {
		text += "\n    " + line
	}
	return text
}

// Unwrap returns the cause.
func (e *kubeadmError) Unwrap() error { return e.Err }

// explain adds lines of the host's logs to a failure of kubeadm, because kubeadm often reports only that it timed out. It
// returns other errors, such as a lost connection, as they are.
func (s *Session) explain(ctx context.Context, host remote.Reader, verb string, cause error) error {
	var failed *remote.CommandError
	if !errors.As(cause, &failed) || ctx.Err() != nil { // kubeadm itself did not fail, or the run was interrupted
		return cause
	}
	explained := &kubeadmError{Verb: verb, Err: cause}
	ask, err := script("look for the reason in the logs", "diagnose", nil)
	if err != nil {
		return errors.Join(explained, err)
	}
	answer, err := host.Probe(ctx, ask)
	if err != nil {
		return explained // without logs; the failure of kubeadm matters more than that of reading them
	}
	explained.Lines = append(logErrors(answer.Values["kubelet"].Output), lastLogLines(answer.Text("containers"))...)
	return explained
}

// maxLogErrors is the maximum number of lines from the kubelet's log, and of those from all containers' logs.
const maxLogErrors = 5

// logErrors returns the last distinct errors in a log in klog's format, oldest first. Lines are compared without klog's
// header, because the kubelet repeats an error with another time.
func logErrors(log []byte) []string {
	var lines []string
	seen := map[string]bool{}
	all := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	for i := len(all) - 1; i >= 0 && len(lines) < maxLogErrors; i-- {
		line := string(all[i])
		// Errors begin with E in klog's format. The other patterns cover libraries that log in logfmt, and the message with
		// which the kubelet exits.
		if !strings.HasPrefix(line, "E") && !strings.Contains(line, "level=error") && !strings.Contains(line, "command failed") {
			continue
		}
		_, message, found := strings.Cut(line, "] ")
		if !found {
			message = line
		}
		if !seen[message] {
			seen[message] = true
			lines = append([]string{"kubelet: " + shorten(message)}, lines...)
		}
	}
	return lines
}

// lastLogLines returns the errors in the output of the diagnose script: the last lines of containers' logs, each log after
// a line "== POD_UID/CONTAINER/N.log". It recognizes klog and the JSON of zap, which etcd uses.
func lastLogLines(text string) []string {
	var lines []string
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, isName := strings.CutPrefix(line, "== "); isName {
			name, _, _ = strings.Cut(rest, "_")
			continue
		}
		// TIME STREAM TAG MESSAGE, the log format of the Container Runtime Interface.
		fields := strings.SplitN(line, " ", 4)
		if len(fields) == 4 && (strings.HasPrefix(fields[3], "E") || strings.HasPrefix(fields[3], "F") ||
			strings.Contains(fields[3], `"level":"fatal"`) || strings.Contains(fields[3], `"level":"error"`)) {
			lines = append(lines, name+": "+shorten(fields[3]))
		}
	}
	return lines[max(0, len(lines)-maxLogErrors):]
}

// shorten truncates a log line so that it stays readable in a message. It drops a UTF-8 character that the cut splits.
func shorten(line string) string {
	const maxBytes = 300
	if len(line) <= maxBytes {
		return line
	}
	return strings.ToValidUTF8(line[:maxBytes], "") + "..."
}
