// Package workspace manages the files that a run leaves on the user's machine: the cluster's kubeconfig, and a directory
// with the logs and the report of each run. The next run does not depend on them.
//
//	WORKSPACES/NAME/NAME-kubeconfig
//	WORKSPACES/NAME/log/create-cluster-20261125-071500/create-cluster.log
//	                                                   10.2.0.4.log
//	                                                   report.json
//
// Only its owner can read the directory of a run. A workspace that belongs to another user is refused.
package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"github.com/dualstrap/dualstrap/internal/visible"
)

// DefaultDir is the default directory of all workspaces, relative to the working directory.
const DefaultDir = "dualstrap-workspace"

const (
	modeDir = 0o755
	// modeRun makes the output of hosts unreadable for other users, whatever the modes of the files in the directory.
	modeRun = 0o700
	// modeLog makes logs private, too, because hosts may print anything.
	modeLog    = 0o600
	modeSecret = 0o600
	modeReport = 0o644 // modeRun protects the report as long as it stays in its directory
)

// Run is the workspace of one run. Its methods are safe for concurrent use.
type Run struct {
	// Dir is the run's directory, Kubeconfig the path of the cluster's kubeconfig. Both are absolute.
	Dir, Kubeconfig string

	mu    sync.Mutex                  // guards files and hosts
	files []*logFile                  // all open logs
	hosts map[netip.Addr]*slog.Logger // the logs of hosts that have one
	main  *slog.Logger                // the run's own log
}

// Begin creates the directory of a run of a command on a cluster, and opens its log. The time becomes part of the
// directory's name. The error is an [OwnerError] if the workspace belongs to another user.
func Begin(workspaces, cluster, command string, now time.Time) (*Run, error) {
	dir, err := filepath.Abs(filepath.Join(workspaces, cluster))
	if err != nil {
		return nil, fmt.Errorf("cannot use workspace %s: %w", workspaces, err)
	}
	r := &Run{
		Dir:        filepath.Join(dir, "log", command+"-"+now.Format("20060102-150405")),
		Kubeconfig: filepath.Join(dir, cluster+"-kubeconfig"),
		hosts:      map[netip.Addr]*slog.Logger{},
	}
	if err := makeDirs(workspaces, dir, filepath.Dir(r.Dir), r.Dir); err != nil {
		return nil, err
	}
	if r.main, err = r.open(command + ".log"); err != nil {
		return nil, err
	}
	return r, nil
}

// open opens a log in the run's directory, and appends to it if it exists. The caller must hold the lock, except in Begin.
func (r *Run) open(name string) (*slog.Logger, error) {
	opened, err := os.OpenFile(filepath.Join(r.Dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, modeLog)
	if err != nil {
		return nil, fmt.Errorf("cannot write a log: %w", err)
	}
	file := &logFile{file: opened}
	r.files = append(r.files, file)
	return slog.New(slog.NewTextHandler(file, nil)), nil
}

// Log returns the run's own log.
func (r *Run) Log() *slog.Logger { return r.main }

// HostLog returns the log of a host, and opens it on the first call. If it cannot be opened, the error and the host's
// messages go to the run's own log.
func (r *Run) HostLog(host netip.Addr) *slog.Logger {
	r.mu.Lock()
	defer r.mu.Unlock()
	if log := r.hosts[host]; log != nil {
		return log
	}
	log, err := r.open(host.String() + ".log")
	if err != nil {
		r.main.Error("no log for a host", "host", host, "error", err)
		log = r.main.With("host", host)
	}
	r.hosts[host] = log
	return log
}

// WriteReport writes the report as JSON to report.json in the run's directory. Control characters in it are escaped.
func (r *Run) WriteReport(report any) error {
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	if err := replace(filepath.Join(r.Dir, "report.json"), append(visible.JSON(data), '\n'), modeReport); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return nil
}

// WriteKubeconfig writes the cluster's kubeconfig, readable for its owner only.
func (r *Run) WriteKubeconfig(content []byte) error {
	if err := replace(r.Kubeconfig, content, modeSecret); err != nil {
		return fmt.Errorf("cannot write the kubeconfig: %w", err)
	}
	return nil
}

// RemoveKubeconfig removes the cluster's kubeconfig. It returns nil if there is no such file.
func (r *Run) RemoveKubeconfig() error {
	if err := os.Remove(r.Kubeconfig); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the kubeconfig: %w", err)
	}
	return nil
}

// replace writes a file atomically: if it fails or the machine loses power, the file has its previous content.
func replace(path string, content []byte, mode os.FileMode) error {
	return renameio.WriteFile(path, content, mode, renameio.IgnoreUmask())
}

// Close closes all logs. It returns an error for each log that is incomplete.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var failures []error
	for _, file := range r.files {
		failures = append(failures, file.Close())
	}
	return errors.Join(failures...)
}
