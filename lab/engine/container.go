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

// Found is a container that exists.
type Found struct {
	Name   string
	Labels map[string]string
	// Running tells whether it runs; Started, whether it ever did.
	Running, Started bool
	// PID is that of its first process, and StartedAt when it began, while it runs.
	PID       int
	StartedAt time.Time
}

// inspected is the part of `inspect` that both engines print alike.
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

// Containers gives the containers that carry the labels; an empty value stands for any.
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

func parseInspect(answer []byte) ([]Found, error) {
	var all []inspected
	if err := json.Unmarshal(answer, &all); err != nil {
		return nil, fmt.Errorf("cannot understand the container engine's answer: %w", err)
	}
	found := make([]Found, len(all))
	for i, c := range all {
		found[i] = Found{
			Name:    strings.TrimPrefix(c.Name, "/"),
			Labels:  c.Config.Labels,
			Running: c.State.Running,
			Started: c.State.StartedAt.Year() > 1,
		}
		if c.State.Running {
			found[i].PID, found[i].StartedAt = c.State.Pid, c.State.StartedAt
		}
	}
	return found, nil
}

// Create creates a container, not started, and its volume. Both hold the given file open while they
// are at work, so that whoever waits for the file's lock knows that nothing is made any more.
func (e Engine) Create(ctx context.Context, c Container, held *os.File) error {
	volume := append([]string{"volume", "create"}, labelArgs(c.Labels)...)
	if _, err := e.run(ctx, nil, held, append(volume, c.Volume)); err != nil {
		return err
	}
	_, err := e.run(ctx, nil, held, e.createArgs(c))
	return err
}

// Put unpacks a tar at the root of a container, running or not.
func (e Engine) Put(ctx context.Context, container string, files io.Reader) error {
	_, err := e.run(ctx, files, nil, []string{"cp", "-", container + ":/"})
	return err
}

// Start starts a container that does not run.
func (e Engine) Start(ctx context.Context, container string) error {
	_, err := e.Run(ctx, "start", container)
	return err
}

// Stop shuts a container down, and kills it when that takes too long.
func (e Engine) Stop(ctx context.Context, container string) error {
	_, err := e.Run(ctx, "stop", "--time", "20", container)
	return err
}

// Remove kills and removes containers. As with [Engine.Create], what does it holds the given file open.
func (e Engine) Remove(ctx context.Context, held *os.File, containers ...string) error {
	if len(containers) == 0 {
		return nil
	}
	_, err := e.run(ctx, nil, held, append([]string{"rm", "--force"}, containers...))
	return err
}

// Exec runs a command in a running container, with an input, and gives its output.
func (e Engine) Exec(ctx context.Context, container string, input io.Reader, command ...string) (string, error) {
	return e.run(ctx, input, nil, e.ExecArgs(container, false, command...))
}

// Volumes gives the names of the volumes that carry the labels.
func (e Engine) Volumes(ctx context.Context, labels map[string]string) ([]string, error) {
	return lines(e.Run(ctx, append([]string{"volume", "ls", "--quiet"}, filterArgs(labels)...)...))
}

// RemoveVolumes removes volumes that no container uses, and holds the file open meanwhile.
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

// Import makes an image of a tar.
func (e Engine) Import(ctx context.Context, tar, image string, held *os.File) error {
	_, err := e.run(ctx, nil, held, []string{"import", tar, image})
	return err
}

// Kill kills running containers, and holds the file open meanwhile.
func (e Engine) Kill(ctx context.Context, held *os.File, containers ...string) error {
	if len(containers) == 0 {
		return nil
	}
	_, err := e.run(ctx, nil, held, append([]string{"kill"}, containers...))
	return err
}
