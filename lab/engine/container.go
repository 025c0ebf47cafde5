package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Found is an existing container.
type Found struct {
	Name   string
	Labels map[string]string
	// Running reports whether it runs, and Started whether it ever did.
	Running, Started bool
	// PID is the process ID of its init, and StartedAt its start time. They are zero unless the container runs.
	PID       int
	StartedAt time.Time
}

// inspected is the part of the output of inspect that is the same for both engines.
type inspected struct {
	Name  string
	State struct {
		Status    string
		Running   bool
		Pid       int
		StartedAt time.Time
	}
	Config struct{ Labels map[string]string }
}

// Containers returns the containers with all of the labels. An empty value matches any.
func (e Engine) Containers(ctx context.Context, labels map[string]string) ([]Found, error) {
	ids, err := lines(e.Run(ctx, append([]string{"ps", "--all", "--quiet", "--no-trunc"}, filterArgs(labels)...)...))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	answer, err := e.Run(ctx, append([]string{"inspect", "--type", "container"}, ids...)...)
	if err != nil {
		return nil, err
	}
	return parseInspect([]byte(answer))
}

// parseInspect parses the output of inspect.
func parseInspect(answer []byte) ([]Found, error) {
	var all []inspected
	if err := json.Unmarshal(answer, &all); err != nil {
		return nil, fmt.Errorf("cannot parse the container engine's answer: %w", err)
	}
	found := make([]Found, len(all))
	for i, c := range all {
		found[i] = Found{
			Name:    strings.TrimPrefix(c.Name, "/"), // docker prints a slash
			Labels:  c.Config.Labels,
			Running: c.State.Running,
			Started: c.State.StartedAt.Year() > 1, // both engines print the zero time for never
		}
		if c.State.Running {
			found[i].PID, found[i].StartedAt = c.State.Pid, c.State.StartedAt
		}
	}
	return found, nil
}

// Create creates a container, without starting it, and its volume. Both commands hold the given file open. A process that waits
// for the file's lock then knows that nothing is being created any more.
func (e Engine) Create(ctx context.Context, c Container, held *os.File) error {
	volume := append([]string{"volume", "create"}, labelArgs(c.Labels)...)
	if _, err := e.run(ctx, nil, held, append(volume, c.Volume)); err != nil {
		return err
	}
	_, err := e.run(ctx, nil, held, e.createArgs(c))
	return err
}

// Put unpacks a tar archive at the root of a container, which need not run.
func (e Engine) Put(ctx context.Context, container string, files io.Reader) error {
	_, err := e.run(ctx, files, nil, []string{"cp", "-", container + ":/"})
	return err
}

// Start starts a container that is not running.
func (e Engine) Start(ctx context.Context, container string) error {
	_, err := e.Run(ctx, "start", container)
	return err
}

// Stop shuts a container down, and kills it after 20 s.
func (e Engine) Stop(ctx context.Context, container string) error {
	_, err := e.Run(ctx, "stop", "--time", "20", container)
	return err
}

// Remove kills and removes containers. The command holds the given file open, as with [Engine.Create].
func (e Engine) Remove(ctx context.Context, held *os.File, containers ...string) error {
	if len(containers) == 0 {
		return nil
	}
	_, err := e.run(ctx, nil, held, append([]string{"rm", "--force"}, containers...))
	return err
}

// Exec runs a command in a running container with an input, and returns its standard output.
func (e Engine) Exec(ctx context.Context, container string, input io.Reader, command ...string) (string, error) {
	return e.run(ctx, input, nil, e.ExecArgs(container, false, command...))
}

// Volumes returns the names of the volumes with all of the labels.
func (e Engine) Volumes(ctx context.Context, labels map[string]string) ([]string, error) {
	return lines(e.Run(ctx, append([]string{"volume", "ls", "--quiet"}, filterArgs(labels)...)...))
}

// RemoveVolumes removes volumes that no container uses. The command holds the given file open.
func (e Engine) RemoveVolumes(ctx context.Context, held *os.File, volumes ...string) error {
	if len(volumes) == 0 {
		return nil
	}
	_, err := e.run(ctx, nil, held, append([]string{"volume", "rm"}, volumes...))
	return err
}

// HasImage reports whether the engine has an image.
func (e Engine) HasImage(ctx context.Context, image string) (bool, error) {
	ids, err := lines(e.Run(ctx, "images", "--quiet", "--filter", "reference="+image))
	return len(ids) > 0, err
}

// Import creates an image from a tar archive. The command holds the given file open.
func (e Engine) Import(ctx context.Context, tar, image string, held *os.File) error {
	_, err := e.run(ctx, nil, held, []string{"import", tar, image})
	return err
}

// Kill kills running containers. The command holds the given file open.
func (e Engine) Kill(ctx context.Context, held *os.File, containers ...string) error {
	if len(containers) == 0 {
		return nil
	}
	_, err := e.run(ctx, nil, held, append([]string{"kill"}, containers...))
	return err
}
