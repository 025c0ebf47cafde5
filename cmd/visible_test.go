package cmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/dualstrap/dualstrap/cmd"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// drives has characters that control a terminal: they set a title, clear the screen, set colours in two forms, and switch
// to right-to-left text; a carriage return, DEL, an invalid byte, and a backspace. The words around them show whether the
// text has arrived in an output.
const drives = "PWNED\x1b]0;title\a\x1b[2J\u009b31m\u202e\u2066\r\x7f\xff\x08END"

// hostileAddress returns the address at which the example's host with the index i is served.
func hostileAddress(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 45, 77, byte(i + 1)}), 22077)
}

// hostileHome creates a home directory whose SSH configuration redirects the example's hosts to this machine, and sets HOME
// to it. line returns the lines for the host with the index i.
func hostileHome(t *testing.T, line func(i int) string) string {
	t.Helper()
	home := t.TempDir()
	var config strings.Builder
	for i, address := range []string{"10.2.0.4", "10.2.0.5", "10.2.0.6"} {
		fmt.Fprintf(&config, "Host %s\n  %s\n", address, line(i))
	}
	fmt.Fprintf(&config, "Host *\n  UserKnownHostsFile %s/known_hosts\n  IdentityFile %[1]s/id_ed25519\n", home)
	put(t, filepath.Join(home, ".ssh", "config"), config.String())
	t.Setenv("HOME", home)
	t.Setenv("SSH_AUTH_SOCK", "")
	return home
}

// inJSON returns a text escaped as in a JSON string, without the quotes and without invalid bytes.
func inJSON(t *testing.T, text string) string {
	t.Helper()
	encoded, err := json.Marshal(strings.ToValidUTF8(text, ""))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(encoded), `"`)
}

// put writes a file, and creates its directory.
func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hostileFleet serves the example's hosts. They answer as real ones do, but with the given replacements in their answers,
// pairs of old and new as for [strings.NewReplacer], and with control characters in every file.
func hostileFleet(t *testing.T, instead ...string) {
	t.Helper()
	home := hostileHome(t, func(i int) string {
		return fmt.Sprintf("HostName %s\n  Port %d", hostileAddress(i).Addr(), hostileAddress(i).Port())
	})
	var members, named []remotetest.Member
	names := map[netip.Addr]netip.Addr{}
	for i, address := range []string{"10.2.0.4", "10.2.0.5", "10.2.0.6"} {
		name := netip.MustParseAddr(address)
		names[hostileAddress(i).Addr()] = name
		members = append(members, remotetest.Member{Address: hostileAddress(i)})
		named = append(named, remotetest.Member{Address: netip.AddrPortFrom(name, 22)})
	}
	scripts, err := fleetScripts(named)
	if err != nil {
		t.Fatal(err)
	}
	for i := range scripts {
		reply := scripts[i].Reply
		scripts[i].Reply = func(host netip.Addr, args remote.Args) *remotetest.Reply {
			if scripts[i].Name == surveys {
				return hostileSurvey(reply(names[host], args), args)
			}
			return reply(names[host], args).Instead(instead...)
		}
	}
	fleet, err := remotetest.NewFleet(home, members, scripts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fleet.Close)
}

// hostileSurvey returns a survey in which all files exist that may be shown as diffs, with control characters as content.
func hostileSurvey(reply *remotetest.Reply, args remote.Args) *remotetest.Reply {
	var stat strings.Builder
	more := []remotetest.Said{}
	for i, line := range strings.Split(args["contents"], "\n") {
		_, path, _ := strings.Cut(line, "  ")
		fmt.Fprintf(&stat, "644|0|0|root|%s|regular file|%s\n", drives, path)
		more = append(more, remotetest.Said{Name: fmt.Sprintf("content.%d", i+1), Output: "# " + strings.ToValidUTF8(drives, "") + "\n"})
	}
	return reply.Instead(" begin stat\n", " begin stat\n"+stat.String()).And(more...)
}

// call runs a command and returns its exit code and output. It fails the test if the output has control characters.
func call(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	code := cmd.Main(args, strings.NewReader(""), &out, &errOut)
	isVisible(t, fmt.Sprint(args, " printed"), out.String())
	isVisible(t, fmt.Sprint(args, " printed on standard error"), errOut.String())
	return fmt.Sprintf("code %d\n%s%s", code, out.String(), errOut.String())
}

// isVisible fails the test if a text has control or invisible characters, except line ends and tabs.
func isVisible(t *testing.T, what, text string) {
	t.Helper()
	for at, r := range text {
		control := r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0
		broken := r == utf8.RuneError && !strings.HasPrefix(text[at:], string(utf8.RuneError))
		if control || broken || unicode.In(r, unicode.Bidi_Control, unicode.Cf) {
			t.Errorf("%s %q: %q", what, r, text[max(0, at-40):min(len(text), at+40)])
			return
		}
	}
}

// arrived fails the test unless the text of drives is in an output, escaped.
func arrived(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(strings.ToUpper(text), "PWNED") { // host names are printed in lower case
		t.Errorf("the text is missing:\n%s", text)
	}
}

// TestHostileWordsOfHosts tries hosts with control characters in their answers and files: none reaches a terminal, a log
// or a report unescaped.
func TestHostileWordsOfHosts(t *testing.T) {
	example, err := filepath.Abs("../examples/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, instead := range map[string][]string{
		"files":    {},
		"system":   {"Debian GNU/Linux 12 (bookworm)", drives, "ID=debian", "ID=" + drives},
		"kernel":   {"6.18.44-fc-v782", drives},
		"name":     {"hostname:host-", "hostname:" + drives},
		"runtime":  {"podman", drives},
		"programs": {"nftables", drives, "active", drives},
		"memory":   {"MemTotal:       ", "MemTotal: " + drives},
		"swap":     {"Used\t\tPriority", "Used\t\tPriority\n/proc/swaps:" + drives + "\tpartition\t9\t9\t-2"},
		"network":  {"whole", drives, "refused", drives},
		"links":    {`"eth0"`, `"` + inJSON(t, drives) + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			hostileFleet(t, instead...)
			space := t.TempDir()
			said := ""
			for _, args := range [][]string{
				{"check", "preflight", "-f", example},
				{"check", "preflight", "-f", example, "--diff"},
				{"check", "preflight", "-f", example, "-o", "json"},
				{"create", "cluster", "-f", example, "--workspace-dir", space, "--bundle", wholeBundle(t)},
				{"create", "cluster", "-f", example, "--workspace-dir", space, "--bundle", wholeBundle(t), "-o", "json"},
				{"reset", "cluster", "-f", example, "--yes", "--workspace-dir", space},
				{"check", "cluster", "-f", example},
			} {
				if args[0] != "reset" && args[1] != "cluster" || args[0] == "create" {
					args = append(args, "--ignore-checks", "cgroup,ipv6-on-link") // the recorded host has other ranges
				}
				said += call(t, args...)
			}
			arrived(t, said)
			if name == "files" && !strings.Contains(said, "\n-# PWNED") {
				t.Errorf("no file is shown as a diff:\n%s", said)
			}
			filesAreVisible(t, space)
		})
	}
}

// filesAreVisible checks the files that runs leave in a workspace, logs and reports, for control characters.
func filesAreVisible(t *testing.T, dir string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		found++
		content, err := os.ReadFile(path)
		isVisible(t, path, string(content))
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d files, error %v", found, err)
	}
}

// wholeBundle returns the directory of a small valid bundle.
func wholeBundle(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := writeTinyBundle(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestHostileWordsOfFailures tries hosts that send control characters when they fail.
func TestHostileWordsOfFailures(t *testing.T) {
	example, err := filepath.Abs("../examples/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, fails := range map[string]remotetest.Hostile{
		"login shell": func(s remotetest.Session, _ string) {
			fmt.Fprintln(s.Stdout, drives)
		},
		"script": func(s remotetest.Session, marker string) {
			fmt.Fprintf(s.Stderr, "%s\n%s\n", marker, drives)
			fmt.Fprintf(s.Stdout, "\n%s done 7\n", marker)
		},
		"frame": func(s remotetest.Session, marker string) {
			fmt.Fprintf(s.Stdout, "\n%s begin %s\nx\n%[1]s end %[2]s\n", marker, drives)
		},
		"answer": func(s remotetest.Session, marker string) {
			fmt.Fprintf(s.Stdout, "\n%s begin lines\n%s\n\n%[1]s end 0\n\n%[1]s done 0\n", marker, drives)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := remotetest.NewServer(t, remotetest.Options{Command: fails.Ending})
			home := hostileHome(t, func(int) string { return fmt.Sprintf("HostName 127.0.0.1\n  Port %d", server.Addr().Port()) })
			put(t, filepath.Join(home, "known_hosts"), server.KnownHostsLine()+"\n")
			put(t, filepath.Join(home, "id_ed25519"), server.LoginKey())
			space := t.TempDir()
			said := ""
			for _, args := range [][]string{
				{"check", "preflight", "-f", example},
				{"check", "preflight", "-f", example, "-o", "json"},
				{"create", "cluster", "-f", example, "--workspace-dir", space, "--bundle", wholeBundle(t)},
				{"reset", "cluster", "-f", example, "--yes", "--workspace-dir", space},
				{"reset", "nodes", "-f", example, "--addresses", "10.2.0.6", "--yes", "--workspace-dir", space, "-o", "json"},
				{"check", "cluster", "-f", example, "-o", "junit"},
			} {
				said += call(t, args...)
			}
			if name != "answer" { // the error of this one does not quote the answer
				arrived(t, said)
			}
			filesAreVisible(t, space)
		})
	}
}
