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

// Programs returns the programs that building an image needs, with the Debian packages that contain them.
func Programs() map[string]string {
	return map[string]string{"debootstrap": "debootstrap", "tar": "tar", "gpgv": "gpgv"}
}

// Path returns the path of an image in the cache.
func Path(cache, digest string) string {
	return filepath.Join(cache, "image-"+digest+".tar")
}

// buildPrefix begins the names of directories in the cache in which images are built.
const buildPrefix = "build-"

// Build returns the path of the image in the cache, and builds the image if it is missing. The caller must hold the lock on the
// cache. step is called at the beginning of each step.
func Build(ctx context.Context, cache string, step func(string)) (string, error) {
	digest, err := Digest()
	if err != nil {
		return "", err
	}
	path := Path(cache, digest)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	// Directories of interrupted builds.
	if err := removeAll(filepath.Join(cache, buildPrefix+"*")); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(cache, buildPrefix+"*")
	if err != nil {
		return "", fmt.Errorf("cannot build the hosts' image: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the next build removes it
	// The image is renamed into place last, so a file of that name is always complete.
	made := filepath.Join(dir, "image.tar")
	if err := build(ctx, made, step); err != nil {
		return "", err
	}
	// Images of other versions are not used any more.
	if err := removeAll(Path(cache, "*")); err != nil {
		return "", err
	}
	if err := os.Rename(made, path); err != nil {
		return "", fmt.Errorf("cannot keep the hosts' image: %w", err)
	}
	return path, nil
}

// build runs build.sh, which writes the image to output.
func build(ctx context.Context, output string, step func(string)) error {
	script, err := recipe.ReadFile("build.sh")
	if err != nil {
		return fmt.Errorf("cannot read the image's recipe: %w", err)
	}
	names, err := packages()
	if err != nil {
		return err
	}
	overlay, err := files()
	if err != nil {
		return err
	}
	// Pdeathsig ends the build when the thread that started it ends, so the goroutine must keep its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	steps := &stepWriter{step: step}
	command := exec.CommandContext(ctx, "bash", "-c", string(script), "build.sh", suite, mirror, names, output)
	command.SysProcAttr = ownNamespaces()
	command.Stdin = bytes.NewReader(overlay)
	command.Stdout, command.Stderr = steps, steps
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("cannot build the hosts' image: %w; its last output:\n%s", err, steps.tail())
	}
	return nil
}

// removeAll removes everything that matches a pattern.
func removeAll(pattern string) error {
	old, err := filepath.Glob(pattern)
	for _, path := range old {
		if err == nil {
			err = os.RemoveAll(path)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot clean up the cache: %w", err)
	}
	return nil
}

// tailLines is the number of lines of a failed build's output in the error.
const tailLines = 15

// stepWriter turns the output of a build into steps: those that build.sh prints, and one for each phase of debootstrap.
type stepWriter struct {
	// step receives each new step, and is called from Write.
	step  func(string)
	rest  string   // the incomplete last line
	last  []string // the last lines, at most tailLines
	phase string   // the last step
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
		if phase := phaseOf(line); phase != "" && phase != w.phase {
			w.phase = phase
			w.step(phase)
		}
	}
}

// tail returns the last lines of the output.
func (w *stepWriter) tail() string { return strings.Join(append(w.last, w.rest), "\n") }

// phaseOf returns the phase that a line of the output begins, or "" for most lines.
func phaseOf(line string) string {
	for begin, phase := range map[string]string{
		"I: Retrieving ":  "downloading and verifying packages",
		"I: Extracting ":  "extracting the base system",
		"I: Configuring ": "configuring packages",
		"I: Unpacking ":   "unpacking packages",
		"step: finishing": "configuring the hosts",
		"step: packing":   "packing the image",
	} {
		if strings.HasPrefix(line, begin) {
			return phase
		}
	}
	return ""
}
