package build

import (
	"errors"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		out        string
		what, hint string
	}{
		"refused": {
			"go: downloading k8s.io/api v0.36.3\n" +
				"go: k8s.io/api@v0.36.3: reading https://proxy.example.com/k8s.io/api/@v/v0.36.3.zip: 403 Forbidden\n",
			"the module k8s.io/api@v0.36.3 cannot be downloaded\n    go: k8s.io/api@v0.36.3: reading", "GOPROXY",
		},
		"no network": {
			"go: github.com/a/b@v1.0.0: Get \"https://proxy.example.com/github.com/a/b/@v/v1.0.0.mod\": " +
				"dial tcp: lookup proxy.example.com: no such host\n",
			"the module github.com/a/b@v1.0.0 cannot be downloaded", "GOPROXY",
		},
		"off": {
			"go: go.uber.org/zap@v1.27.0: module lookup disabled by GOPROXY=off\n",
			"the module go.uber.org/zap@v1.27.0 is not on this machine", "fill the module cache",
		},
		"off, from the start": {
			"go: downloading go.uber.org/zap v1.27.0\nmodule lookup disabled by GOPROXY=off\n",
			"the module go.uber.org/zap@v1.27.0 is not on this machine", "fill the module cache",
		},
		"checksum": {
			"verifying golang.org/x/sys@v0.33.0: checksum mismatch\n\tdownloaded: h1:a=\n\tgo.sum:     h1:b=\n\n" +
				"SECURITY ERROR\nThis download does NOT match\n",
			"the module golang.org/x/sys@v0.33.0 is not the one", "clean -modcache",
		},
		"disk":    {"compile: writing output: write $WORK/b001/_pkg_.a: no space left on device\n", "the disk is full", "make room"},
		"memory":  {"k8s.io/api/core/v1: /usr/local/go/pkg/tool/linux_amd64/compile: signal: killed\n", "memory ran out", "GiB"},
		"too old": {"go: go.mod requires go >= 1.26.6 (running go 1.25.1; GOTOOLCHAIN=local)\n", "Go is too old", "go.dev/dl"},
		"other": {
			"# runc\nfirst.c:1: fatal error: seccomp.h: No such file or directory\n" + strings.Repeat("noise\n", 500) + "compilation terminated.\n",
			"compilation terminated.", "same command again",
		},
	} {
		err := explain(program{pkg: "example.com/tool"}, test.out, errors.New("exit status 1"))
		var told *Error
		if !errors.As(err, &told) || !strings.Contains(told.What, test.what) || !strings.Contains(told.HintText, test.hint) {
			t.Errorf("%s: %v, want %q and %q", name, err, test.what, test.hint)
		}
		if !strings.Contains(err.Error(), "cannot build example.com/tool: ") {
			t.Errorf("%s: does not name the program: %v", name, err)
		}
		if strings.Count(err.Error(), "\n") > maxReasonLines || strings.Contains(err.Error(), "\t") {
			t.Errorf("%s: is too long, or has tabs: %q", name, err)
		}
	}
}

func TestCheckSpace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := checkSpace([]space{{dir, 1}, {dir + "/not/there/yet", 1}}); err != nil {
		t.Errorf("a byte: %v", err)
	}
	_, info, err := statDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	// Two thirds of the free space fit, and twice two thirds do not: both directories are on the same disk.
	part := info.free / 3 * 2
	err = checkSpace([]space{{dir, part}, {dir + "/b", part}})
	if err == nil || !strings.Contains(err.Error(), "not enough disk space") || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}
