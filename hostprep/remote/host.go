package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
)

// host implements Host over a connection.
type host struct {
	connection *connection
	address    netip.Addr // as the manifests specify it, not as the SSH configuration resolves it
	log        *slog.Logger
	secrets    *Secrets // redacted in every log entry and error text
}

// Address implements Reader.
func (h *host) Address() netip.Addr { return h.address }

// Probe implements Reader.
func (h *host) Probe(ctx context.Context, script Script) (Answer, error) {
	return h.run(ctx, task{Script: script, kind: "probe", limit: h.connection.limits.Read})
}

// Run implements Host.
func (h *host) Run(ctx context.Context, script Script) (Answer, error) {
	limit := h.connection.limits.Change
	if script.Lasts {
		limit = h.connection.limits.Read // it applies after the input has ended: the script only has to clean up
	}
	return h.run(ctx, task{Script: script, kind: "change", limit: limit})
}

// run runs a script, logs its outcome, and redacts secrets in what it logs.
func (h *host) run(ctx context.Context, task task) (Answer, error) {
	answer, err := h.connection.run(ctx, task, h.secrets)
	attributes := []slog.Attr{
		slog.String("script", h.secrets.Redact(task.Name)), slog.String("kind", task.kind), slog.Duration("took", answer.Duration),
	}
	if answer.Stderr != "" {
		attributes = append(attributes, slog.String("stderr", answer.Stderr))
	}
	var failed *CommandError
	if errors.As(err, &failed) {
		attributes = append(attributes, slog.Int("status", failed.Status), slog.String("signal", failed.Signal))
	} else if err != nil {
		attributes = append(attributes, slog.String("error", h.secrets.Redact(err.Error())))
	}
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "script failed", attributes...)
		return Answer{}, err
	}
	h.log.LogAttrs(ctx, slog.LevelInfo, "script done", attributes...)
	return answer, nil
}

// ReadFile implements Reader.
func (h *host) ReadFile(ctx context.Context, path string) ([]byte, error) {
	script, err := NewScript("read "+path, Args{"path": path}, readScript)
	if err != nil {
		return nil, err
	}
	answer, err := h.Probe(ctx, script)
	if err != nil {
		return nil, err
	}
	if _, missing := answer.Values["missing"]; missing {
		return nil, fmt.Errorf("cannot read %s: %w", path, fs.ErrNotExist)
	}
	// A file that exists but cannot be read is an error, unlike a missing one.
	content := answer.Values["content"]
	if content.Status != 0 {
		return nil, &CommandError{Script: "read " + path, Status: content.Status, Stderr: answer.Stderr}
	}
	return content.Output, nil
}
