package cmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dualstrap/dualstrap/cmd"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// hostileFlags returns command lines with an invalid value, and a part of the expected error. They run in a directory with
// a pipe that no process writes to, a file, and an empty directory.
func hostileFlags() map[string]string {
	return map[string]string{
		"check preflight -f FILE --concurrency -1":                           "--concurrency must be at least 1, got -1",
		"check preflight -f FILE --concurrency 99999999999999999999":         "--concurrency",
		"check preflight -f FILE --concurrency many":                         "--concurrency",
		"check preflight -f FILE --host-timeout -1s":                         "--host-timeout must be at least 1s, got -1s",
		"check preflight -f FILE --host-timeout 99999999h":                   "--host-timeout",
		"check preflight -f FILE --host-timeout 5":                           "--host-timeout",
		"check preflight -f FILE --ignore-checks swap,,memory":               `there is no check ""`,
		"check preflight -f FILE --ignore-checks $(reboot)":                  `there is no check "$(reboot)"`,
		"check preflight -f FILE --ignore-checks \"":                         "--ignore-checks",
		"check preflight -f FILE -o yaml":                                    "--output",
		"check preflight -f FILE --bundle /dev/zero":                         "/dev/zero",
		"check preflight -f FILE --bundle pipe":                              "bundle pipe",
		"check preflight -f FILE --bundle file":                              "bundle file",
		"plan -f empty":                                                      "the directory empty has no *.yaml",
		"plan -f /dev/zero":                                                  "/dev/zero: error: the file is larger than 8 MiB",
		"plan -f /proc/self/mem":                                             "/proc/self/mem",
		"plan -f https://localhost/x.yaml":                                   "https://localhost/x.yaml",
		"plan -f ../../../../../../../../../../etc/hostname":                 "/etc/hostname:1:1: error",
		"render -f FILE --output-dir /dev/null":                              "/dev/null: not a directory",
		"render -f FILE --output-dir /proc/none/x":                           "/proc/none",
		"render -f FILE --output-dir pipe":                                   "pipe: not a directory",
		"render -f FILE --output-dir /":                                      "cannot render into /: it holds other files",
		"reset cluster -f FILE":                                              "say --yes",
		"reset nodes -f FILE --yes --addresses *":                            `--addresses: "*" is not an IP address`,
		"reset nodes -f FILE --yes --addresses 10.2.0.0/16":                  `--addresses: "10.2.0.0/16" is not an IP address`,
		"reset nodes -f FILE --yes --addresses 10.2.0.05":                    `--addresses: "10.2.0.05" is not an IP address`,
		"reset nodes -f FILE --yes --addresses 10.2.0.5 --drain-timeout -1h": "--drain-timeout must be more than nothing",
		"bundle build --output new --kubernetes-version ../../x":             `unknown Kubernetes version "../../x"`,
		"bundle inspect pipe":                                                "bundle pipe",
		"bundle inspect /dev/zero":                                           "/dev/zero",
		"bundle inspect /proc/self":                                          "/proc/self is not a bundle",
		"bundle inspect BUNDLE --allowed-signers /dev/zero":                  "allowed signers /dev/zero: it has more than 1048576 bytes",
		"bundle extract BUNDLE ../../x --output-dir new":                     "../../x",
		"bundle sign BUNDLE --key /dev/zero":                                 "/dev/zero",
		"lab up --name $(reboot)":                                            `"$(reboot)" cannot be the name of a lab`,
		"lab up --workers 99999999999999999999":                              "--workers",
		"lab down --name -rf":                                                `"-rf" cannot be the name of a lab`,
		"lab down --name ../x":                                               `"../x" cannot be the name of a lab`,
	}
}

// TestHostileFlags tries flags and arguments with values that are invalid, point elsewhere, or are endless files: the
// command fails with an error that names the value, and changes nothing.
func TestHostileFlags(t *testing.T) {
	example, err := filepath.Abs("../examples/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bundle := wholeBundle(t)
	for line, want := range hostileFlags() {
		t.Run(line, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("HOME", t.TempDir())
			if err := os.Mkdir("empty", 0o700); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo("pipe", 0o600); err != nil {
				t.Fatal(err)
			}
			put(t, "file", "text")
			args := strings.Fields(line)
			for i, arg := range args {
				args[i] = strings.NewReplacer("FILE", example, "BUNDLE", bundle).Replace(arg)
			}
			var out, errs bytes.Buffer
			code := cmd.Main(args, strings.NewReader(""), &out, &errs)
			if (code != cli.ExitUsage && code != cli.ExitFailure) || out.Len() > 0 || !strings.Contains(errs.String(), want) {
				t.Errorf("code %d, it prints %q, and on standard error %q, want %s", code, out.String(), errs.String(), want)
			}
			entries, err := os.ReadDir(".")
			if err != nil || len(entries) != 3 {
				t.Errorf("the directory has %v, %v", entries, err)
			}
		})
	}
}
