package image

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Programs gives the programs that building an image needs, and the Debian packages they are in.
func Programs() map[string]string {
	return map[string]string{"debootstrap": "debootstrap", "tar": "tar", "gpgv": "gpgv"}
}

// Path is where the cache keeps an image.
func Path(cache, digest string) string {
	return filepath.Join(cache, "image-"+digest+".tar")
}

// buildPrefix begins the name of a directory in the cache in which an image is being made.
const buildPrefix = "build-"

// Build makes the image, unless the cache has it, and gives its path. The caller has made sure that
// nobody else builds in the cache. Steps are told as they begin.
func Build(ctx context.Context, cache string, step func(string)) (string, error) {
	digest, err := Digest()
	if err != nil {
		return "", err
	}
	path := Path(cache, digest)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := removeAll(filepath.Join(cache, buildPrefix+"*")); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(cache, buildPrefix+"*")
	if err != nil {
		return "", fmt.Errorf("cannot build the hosts' image: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the next build removes it
	made := filepath.Join(dir, "image.tar")
	if err := build(ctx, made, step); err != nil {
		return "", err
	}
	// Images of other versions are of no more use.
	if err := removeAll(Path(cache, "*")); err != nil {
		return "", err
	}
	if err := os.Rename(made, path); err != nil {
		return "", fmt.Errorf("cannot keep the hosts' image: %w", err)
	}
	return path, nil
}

func build(ctx context.Context, output string, step func(string)) error {
	script, err := recipe.ReadFile("build.sh")
	if err != nil {
		return fmt.Errorf("cannot read the image's recipe: %w", err)
	}
	names, err := packages()
	if err != nil {
		return err
	}
	over, err := files()
	if err != nil {
		return err
	}
	// The build dies with the thread that started it, so that thread must not end first.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	said := &stepWriter{step: step}
	command := exec.CommandContext(ctx, "bash", "-c", string(script), "build.sh", suite, mirror, names, output)
	command.SysProcAttr = ownNamespaces()
	command.Stdin = bytes.NewReader(over)
	command.Stdout, command.Stderr = said, said
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("cannot build the hosts' image: %w; the last it said:\n%s", err, said.tail())
	}
	return nil
}

func removeAll(pattern string) error {
	old, err := filepath.Glob(pattern)
	for _, path := range old {
		if err == nil {
			err = os.RemoveAll(path)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot tidy the cache up: %w", err)
	}
	return nil
}

// tailLines is how much of a failed build's output is shown.
const tailLines = 15

// stepWriter makes steps of what a build says: its own, and one for each of debootstrap's phases.
type stepWriter struct {
	step func(string)
	rest string
	last []string
	told string
}

var _ io.Writer = (*stepWriter)(nil)

// Write implements io.Writer.
func (w *stepWriter) Write(data []byte) (int, error) {
	w.rest += string(data)
	for {
		line, rest, whole := strings.Cut(w.rest, "\n")
		if !whole {
			return len(data), nil
		}
		w.rest = rest
		w.last = append(w.last, line)
		w.last = w.last[max(0, len(w.last)-tailLines):]
		if phase := phaseOf(line); phase != "" && phase != w.told {
			w.told = phase
			w.step(phase)
		}
	}
}

func (w *stepWriter) tail() string { return strings.Join(append(w.last, w.rest), "\n") }

// phaseOf tells what a line of the build's output is about, nothing new in most cases.
func phaseOf(line string) string {
	for begin, phase := range map[string]string{
		"I: Retrieving ":  "downloading and verifying packages",
		"I: Extracting ":  "extracting the base system",
		"I: Configuring ": "configuring packages",
		"I: Unpacking ":   "unpacking packages",
		"step: finishing": "making them a host",
		"step: packing":   "packing the image",
	} {
		if strings.HasPrefix(line, begin) {
			return phase
		}
	}
	return ""
}
