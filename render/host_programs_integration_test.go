//go:build integration

package render

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The tests of these files pass rendered files to the programs that read them on a host. A missing program fails the
// test: `make test` installs or builds all of them.

// debianProgram returns the path of a program from a Debian package.
func debianProgram(tb testing.TB, name, packageName string) string {
	tb.Helper()
	found, err := exec.LookPath(name)
	if err != nil {
		tb.Fatalf("%s is missing, install it: apt-get install %s", name, packageName)
	}
	return found
}

// builtProgram returns the path of a program that `make tools` builds.
func builtProgram(tb testing.TB, name string) string {
	tb.Helper()
	dir := os.Getenv("DUALSTRAP_TOOLS")
	if dir == "" {
		dir = filepath.Join("..", "build", "tools")
	}
	found, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(found); err != nil {
		tb.Fatalf("%s is missing, build it: make tools (%v)", name, err)
	}
	return found
}

// run executes a program and returns its output. It fails the test if the program fails.
func run(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), name, args...).CombinedOutput()
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// inNamespace executes a script in its own network and mount namespaces, which have the interfaces of the scenarios,
// one of them with an address of the nodes' network.
func inNamespace(tb testing.TB, script string) string {
	tb.Helper()
	unshare := debianProgram(tb, "unshare", "util-linux")
	debianProgram(tb, "ip", "iproute2")
	const links = `
set -eu
ip link set lo up
ip link add eth0 type veth peer name peer0
ip link add bond0.100 type veth peer name peer1
ip address add 10.2.0.7/24 dev eth0
ip address add fd12::2:7/108 dev eth0 nodad
for link in eth0 peer0 bond0.100 peer1; do ip link set "$link" up; done
`
	return run(tb, unshare, "--net", "--mount", "--propagation=private", "bash", "-c", links+script)
}

// writeFiles writes files below a directory, under names that start with their host, each content once, and returns the
// names. It replaces placeholders by values that their readers accept, so that the rest of the file is read.
func writeFiles(tb testing.TB, dir string, files []File, wanted func(File) bool) []string {
	tb.Helper()
	values := strings.NewReplacer(KnownAfterProbe, "eth0", KnownAfterInit, "secret")
	seen := map[string]bool{}
	var names []string
	for _, file := range files {
		content := values.Replace(string(file.Content))
		if !wanted(file) || seen[content] {
			continue
		}
		seen[content] = true
		name := filepath.Join(dir, file.Host, filepath.FromSlash(file.Path))
		writeFile(tb, name, content, file.Mode)
		names = append(names, name)
	}
	if len(names) == 0 {
		tb.Fatal("no such file")
	}
	return names
}

func writeFile(tb testing.TB, name, content string, mode os.FileMode) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		tb.Fatal(err)
	}
}

// allFiles returns the files of all scenarios, and those with IPv6 in every place.
func allFiles(tb testing.TB) []File {
	tb.Helper()
	files := ipv6Files(tb)
	for _, s := range hostScenarios(tb) {
		for _, file := range filesOf(tb, s.in) {
			file.Host = filepath.FromSlash(s.name) + string(filepath.Separator) + file.Host
			files = append(files, file)
		}
	}
	return files
}

// hasBase returns a filter for files by the last element of their paths.
func hasBase(base string) func(File) bool {
	return func(file File) bool { return filepath.Base(file.Path) == base }
}
