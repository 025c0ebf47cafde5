package change_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// slowHost is a fake host that records the calls and returns the configured errors. Calls may overlap, so only
// calls that wait for each other have a defined order.
type slowHost struct {
	mu    sync.Mutex // guards calls and args
	calls []string
	// fail holds the errors to return, by the name of the call.
	fail map[string]error
	// survey is the answer to every probe.
	survey remote.Answer
	// args holds the arguments of scripts by name.
	args map[string]remote.Args
}

func (h *slowHost) call(ctx context.Context, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, name)
	if err := ctx.Err(); err != nil {
		return err
	}
	return h.fail[name]
}

func (h *slowHost) Address() netip.Addr { return netip.MustParseAddr("10.2.0.4") }

func (h *slowHost) Probe(ctx context.Context, script remote.Script) (remote.Answer, error) {
	return h.survey, h.call(ctx, script.Name)
}

func (h *slowHost) ReadFile(ctx context.Context, path string) ([]byte, error) {
	return nil, h.call(ctx, "read "+path)
}

func (h *slowHost) Run(ctx context.Context, script remote.Script) (remote.Answer, error) {
	h.mu.Lock()
	if h.args == nil {
		h.args = map[string]remote.Args{}
	}
	h.args[script.Name] = script.Args
	h.mu.Unlock()
	return remote.Answer{}, h.call(ctx, script.Name)
}

func (h *slowHost) WriteFiles(ctx context.Context, files []remote.File) ([]string, error) {
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = file.Path
	}
	return names, h.call(ctx, "write "+strings.Join(names, " "))
}

func (h *slowHost) Upload(ctx context.Context, upload remote.Upload) (bool, error) {
	return true, h.call(ctx, "upload "+upload.Path)
}

func (h *slowHost) Download(ctx context.Context, path string, _ int64, _ io.Writer) (remote.Downloaded, error) {
	return remote.Downloaded{}, h.call(ctx, "download "+path)
}

const (
	record  = "record the previous state"
	write   = "write /etc/app/app.conf /etc/app/secret"
	upload  = "upload /usr/local/bin/app"
	archive = "upload /var/lib/dualstrap/images/abc.tar"
	settle  = "make settings and units take effect"
	load    = "import image dualstrap.dev/pause:3"
	install = "install packages conntrack-tools"
)

// empty opens a source whose content does not matter.
func empty() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }

// TestApplyOpensEverythingFirst verifies that damaged sources leave the host unchanged, and that the error names
// all of them.
func TestApplyOpensEverythingFirst(t *testing.T) {
	t.Parallel()
	host, desired := &slowHost{}, wanted()
	desired.Executables[0].Open = func() (io.ReadCloser, error) { return nil, errors.New("app.gz is damaged") }
	desired.Images[0].Open = func() (io.ReadCloser, error) { return nil, errors.New("pause.tar is damaged") }
	err := change.Apply(t.Context(), host, change.Plan(change.State{}, desired), nil)
	if err == nil || err.Error() != "app.gz is damaged\npause.tar is damaged" {
		t.Errorf("error %v", err)
	}
	if len(host.calls) > 0 {
		t.Errorf("the host was called: %q", host.calls)
	}
}

// fromNothing returns the plan for a host that has nothing yet.
func fromNothing() []change.Action {
	desired := wanted()
	desired.Images[0].SHA256 = "abc"
	return change.Plan(change.State{MissingPrograms: []string{"conntrack"}, Dirs: []string{"/etc/app"}}, desired)
}

func TestApplyKeepsTheOrderThatMatters(t *testing.T) {
	t.Parallel()
	for range 50 {
		host := &slowHost{}
		if err := change.Apply(t.Context(), host, fromNothing(), nil); err != nil {
			t.Fatal(err)
		}
		if want := []string{archive, install, load, settle, record, upload, write}; !sameCalls(host.calls, want) {
			t.Fatalf("the calls are %q, want %q in some order", host.calls, want)
		}
		for _, pair := range [][2]string{
			{record, write},
			{record, upload},
			{record, install},
			{record, archive},
			{write, settle},
			{upload, settle},
			{install, settle},
			{settle, load},
			{archive, load},
		} {
			if slices.Index(host.calls, pair[0]) > slices.Index(host.calls, pair[1]) {
				t.Fatalf("%q comes after %q: %q", pair[0], pair[1], host.calls)
			}
		}
	}
}

func sameCalls(got, want []string) bool {
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	return slices.Equal(got, want)
}

func TestApplyStopsWhereSomethingFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	never := map[string][]string{
		record:  {write, upload, install, archive, settle, load},
		write:   {settle, load},
		upload:  {settle, load},
		install: {settle, load},
		settle:  {load},
		archive: {load},
	}
	for failing, never := range never {
		t.Run(failing, func(t *testing.T) {
			t.Parallel()
			host := &slowHost{fail: map[string]error{failing: broken}}
			if err := change.Apply(t.Context(), host, fromNothing(), nil); !errors.Is(err, broken) {
				t.Fatalf("the error is %v", err)
			}
			for _, call := range never {
				if slices.Contains(host.calls, call) {
					t.Errorf("%q is called although %q failed", call, failing)
				}
			}
		})
	}
}

func TestApplyDoesNothingWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	host := &slowHost{}
	if err := change.Apply(ctx, host, fromNothing(), nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{record}, host.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestApplyRecordsBeforeItChanges(t *testing.T) {
	t.Parallel()
	host := &slowHost{}
	if err := change.Apply(t.Context(), host, fromNothing(), nil); err != nil {
		t.Fatal(err)
	}
	args := host.args[record]
	if want := "/etc/app/app.conf\n/etc/app/secret\n/usr/local/bin/app"; args["absent"] != want {
		t.Errorf("looked for as absent: %q, want %q", args["absent"], want)
	}
	got, err := change.ParseRecord([]byte(args["entries"]))
	if err != nil {
		t.Fatal(err)
	}
	want := change.Record{
		{Kind: change.KindPackage, Name: "conntrack-tools", Absent: true},
		{Kind: change.KindDir, Name: "/etc/app", Absent: true},
		{Kind: change.KindFile, Name: "/etc/app/app.conf", Absent: true},
		{Kind: change.KindFile, Name: "/etc/app/secret", Absent: true},
		{Kind: change.KindSysctl, Name: "net/ipv4/conf/eth0.5/send_redirects", Absent: true},
		{Kind: change.KindFile, Name: "/usr/local/bin/app", Absent: true},
		{Kind: change.KindUnit, Name: "app.service"},
		{Kind: change.KindUnit, Name: "kubelet.service"},
		{Kind: change.KindImage, Name: "dualstrap.dev/pause:3", Absent: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if strings.Contains(args["entries"], "hidden") {
		t.Error("the record has a secret")
	}
}

func TestRecordKeepsWhatWasFirst(t *testing.T) {
	t.Parallel()
	state := asWanted()
	state.Sysctls["net/ipv4/conf/eth0.5/send_redirects"] = "1"
	state.Record = change.Record{{Kind: change.KindSysctl, Name: "net/ipv4/conf/eth0.5/send_redirects", Value: "7"}}
	host := &slowHost{}
	if err := change.Apply(t.Context(), host, change.Plan(state, wanted()), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{settle}, host.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestMissingPackagesSayWhatToDo(t *testing.T) {
	t.Parallel()
	failure := &remote.CommandError{Script: install, Status: 1, Stderr: "No match for argument: conntrack-tools\n"}
	host := &slowHost{fail: map[string]error{install: failure}}
	err := change.Apply(t.Context(), host, fromNothing(), nil)
	var missing *change.PackageError
	if !errors.As(err, &missing) {
		t.Fatalf("the error is %v", err)
	}
	const want = "cannot install conntrack: install packages conntrack-tools: exit status 1: No match for argument: conntrack-tools"
	if err.Error() != want {
		t.Errorf("the error is %q, want %q", err, want)
	}
	if hint := missing.Hint(); hint != "install them on the host, then run again: dnf install conntrack-tools" {
		t.Errorf("the hint is %q", hint)
	}
}

// TestFamiliesWithoutSupport verifies that a host on which dualstrap cannot install packages is refused before anything
// changes, and that the hint is for the host's family.
func TestFamiliesWithoutSupport(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		family        osfamily.Family
		pkg           string
		summary       string
		message, hint string
	}{
		"SUSE": {
			osfamily.Of("sles"), "nftables", "install nft from package nftables",
			"cannot install nft: dualstrap does not install packages with zypper",
			"install them on the host, then run again: zypper install nftables",
		},
		"unknown": {
			osfamily.Family{},
			"", "install nft",
			"cannot install nft: the host has no package manager that dualstrap knows",
			"install them on the host, then run again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, desired := &slowHost{}, wanted()
			desired.Programs, desired.Family = []change.Program{{Name: "nft", Package: test.pkg}}, test.family
			actions := change.Plan(change.State{MissingPrograms: []string{"nft"}}, desired)
			if actions[0].Summary != test.summary {
				t.Errorf("the first action is %q, want %q", actions[0].Summary, test.summary)
			}
			err := change.Apply(t.Context(), host, actions, nil)
			var refused *change.PackageError
			if !errors.As(err, &refused) || refused.Error() != test.message || refused.Hint() != test.hint {
				t.Errorf("the error is %v, want %q with the hint %q", err, test.message, test.hint)
			}
			if len(host.calls) > 0 {
				t.Errorf("the host was called: %q", host.calls)
			}
		})
	}
}
