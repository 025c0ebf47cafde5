// Package workspace keeps what a run leaves on the machine it runs on: the cluster's kubeconfig, and a
// directory with the logs and the report of each run. Nothing there is needed by the next run.
//
//	WORKSPACES/NAME/NAME-kubeconfig
//	WORKSPACES/NAME/log/create-cluster-20261125-071500/create-cluster.log
//	                                                   10.2.0.4.log
//	                                                   report.json
//
// The directory of a run is its owner's alone. A workspace of somebody else is refused.
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

	"github.com/dualstrap/dualstrap/internal/visible"
)

// DefaultDir is the directory of workspaces.
const DefaultDir = "dualstrap-workspace"

const (
	modeDir = 0o755
	// modeRun keeps what hosts said to the owner, whatever the files in it are.
	modeRun = 0o700
	// modeLog keeps logs to their owner: hosts print what they like.
	modeLog    = 0o600
	modeSecret = 0o600
	modeReport = 0o644
)

// Run is what one run leaves.
type Run struct {
	// Dir is the run's directory, Kubeconfig the path of the cluster's kubeconfig.
	Dir, Kubeconfig string

	mu    sync.Mutex
	files []*logFile
	hosts map[netip.Addr]*slog.Logger
	main  *slog.Logger
}

// Begin makes the directory of a run of a command on a cluster.
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

// open starts a log.
func (r *Run) open(name string) (*slog.Logger, error) {
	opened, err := os.OpenFile(filepath.Join(r.Dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, modeLog)
	if err != nil {
		return nil, fmt.Errorf("cannot write a log: %w", err)
	}
	file := &logFile{file: opened}
	r.files = append(r.files, file)
	return slog.New(slog.NewTextHandler(file, nil)), nil
}

// Log is the run's own log.
func (r *Run) Log() *slog.Logger { return r.main }

// HostLog is the log of one host. Where it cannot be written, the run's own log says so and takes what
// the host's would.
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

// WriteReport leaves the report as report.json.
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

// WriteKubeconfig leaves the cluster's kubeconfig, for its owner only.
func (r *Run) WriteKubeconfig(content []byte) error {
	if err := replace(r.Kubeconfig, content, modeSecret); err != nil {
		return fmt.Errorf("cannot write the kubeconfig: %w", err)
	}
	return nil
}

// RemoveKubeconfig removes the cluster's kubeconfig. That there is none is fine.
func (r *Run) RemoveKubeconfig() error {
	if err := os.Remove(r.Kubeconfig); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the kubeconfig: %w", err)
	}
	return nil
}

// replace writes a file that is there whole or as it was before.
func replace(path string, content []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // made for its owner only
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Close ends the logs, and tells which of them are not whole.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var failures []error
	for _, file := range r.files {
		failures = append(failures, file.Close())
	}
	return errors.Join(failures...)
}
