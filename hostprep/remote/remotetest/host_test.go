package remotetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// recorder is a testing.TB that records the failures of a fake.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) end() []string {
	for _, cleanup := range r.cleanups {
		cleanup()
	}
	return r.failures
}

func TestHostTakesWhatItExpects(t *testing.T) {
	t.Parallel()
	fake := remotetest.NewHost(t, netip.MustParseAddr("10.2.0.4"))
	facts := remote.Script{Name: "facts", Body: "answer kernel uname -r", Args: remote.Args{"a": "x"}}
	file := remote.File{Path: "/etc/x", Mode: 0o644, Content: []byte("content")}
	upload := remote.Upload{
		Path: "/opt/x", Mode: 0o755, Size: 3, SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil },
	}
	broken := errors.New("broken")
	fake.Expect(
		remotetest.Call{Method: remotetest.Probe, Script: facts, Answer: remote.Answer{
			Values: map[string]remote.Value{"kernel": {Output: []byte("6.1\n")}},
		}},
		remotetest.Call{Method: remotetest.ReadFile, Path: "/etc/y", Err: fs.ErrNotExist},
		remotetest.Call{Method: remotetest.WriteFiles, Files: []remote.File{file}, Changed: []string{"/etc/x"}},
		remotetest.Call{Method: remotetest.Upload, Upload: upload, Changed: []string{"/opt/x"}},
		remotetest.Call{Method: remotetest.Download, Path: "/var/x", Limit: 9, Content: []byte("abc")},
		remotetest.Call{Method: remotetest.Run, Script: remote.Script{Name: "restart"}, Stdin: "input", Err: broken},
	)
	ctx := t.Context()
	if answer, err := fake.Probe(ctx, facts); err != nil || answer.Text("kernel") != "6.1" {
		t.Errorf("%v, %v", answer, err)
	}
	if _, err := fake.ReadFile(ctx, "/etc/y"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if changed, err := fake.WriteFiles(ctx, []remote.File{file}); err != nil || len(changed) != 1 {
		t.Errorf("%v, %v", changed, err)
	}
	if changed, err := fake.Upload(ctx, upload); err != nil || !changed {
		t.Errorf("%v, %v", changed, err)
	}
	var to strings.Builder
	want := remote.Downloaded{Size: 3, SHA256: upload.SHA256}
	if got, err := fake.Download(ctx, "/var/x", 9, &to); err != nil || got != want || to.String() != "abc" {
		t.Errorf("%+v of %q, %v", got, to.String(), err)
	}
	if _, err := fake.Run(ctx, remote.Script{Name: "restart", Stdin: strings.NewReader("input")}); !errors.Is(err, broken) {
		t.Error(err)
	}
	calls := []string{
		"probe facts map[\"a\":\"x\"]\nanswer kernel uname -r",
		"read /etc/y",
		"write \n/etc/x 0644 \ncontent",
		"upload /opt/x 0755  sha256:" + upload.SHA256,
		"download /var/x of 9 bytes at most",
		"run restart map[]\n\n<<< input",
	}
	if diff := cmp.Diff(calls, fake.Transcript()); diff != "" {
		t.Errorf("transcript (-want +got):\n%s", diff)
	}
}

func TestHostIsStrict(t *testing.T) {
	t.Parallel()
	expected := remotetest.Call{Method: remotetest.Probe, Script: remote.Script{Name: "facts"}}
	tests := map[string]struct {
		call func(remote.Host) error
		want string
	}{
		"nothing comes": {func(remote.Host) error { return errors.New("x") }, "this call did not come:\nprobe facts"},
		"another comes": {
			func(h remote.Host) error {
				_, err := h.Probe(context.Background(), remote.Script{Name: "other"})
				return err
			}, "unexpected call (-want +got)",
		},
		"another method": {
			func(h remote.Host) error {
				_, err := h.Run(context.Background(), remote.Script{Name: "facts"})
				return err
			}, "unexpected call (-want +got)",
		},
		"one more comes": {func(h remote.Host) error {
			_, first := h.Probe(context.Background(), remote.Script{Name: "facts"})
			_, second := h.ReadFile(context.Background(), "/x")
			return errors.Join(second, first)
		}, "unexpected call, none is to come:\nread /x"},
		"after the end": {func(h remote.Host) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_, err := h.Probe(ctx, remote.Script{Name: "facts"})
			return err
		}, "did not come"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record := &recorder{TB: t}
			fake := remotetest.NewHost(record, netip.MustParseAddr("10.2.0.4"))
			fake.Expect(expected)
			err := test.call(fake)
			if failures := record.end(); err == nil || len(failures) != 1 || !strings.Contains(failures[0], test.want) {
				t.Errorf("error %v, failures %q, want %q", err, failures, test.want)
			}
		})
	}
}
