package remote_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

func TestScriptAnswers(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	binary := make([]byte, 100_000)
	rand.Read(binary)
	tests := map[string]struct {
		script remote.Script
		want   map[string]string
	}{
		"nothing":               {remote.Script{Body: ""}, map[string]string{}},
		"one":                   {remote.Script{Body: "answer a echo x"}, map[string]string{"a": "x\n"}},
		"without a line end":    {remote.Script{Body: "answer a printf x; answer b printf y"}, map[string]string{"a": "x", "b": "y"}},
		"an empty one":          {remote.Script{Body: "answer a true"}, map[string]string{"a": ""}},
		"line ends only":        {remote.Script{Body: `answer a printf '\n\n'`}, map[string]string{"a": "\n\n"}},
		"of a function":         {remote.Script{Body: "f() { echo \"$1\"; echo noise >&2; }; answer a f 'x y'"}, map[string]string{"a": "x y\n"}},
		"other output is noise": {remote.Script{Body: "echo begin; answer a echo x; echo end"}, map[string]string{"a": "x\n"}},
		"exit 0 ends it":        {remote.Script{Body: "answer a echo x; exit 0; answer b echo y"}, map[string]string{"a": "x\n"}},
		"a failing command": {
			remote.Script{Body: "answer a sh -c 'echo x; exit 3'; answer b echo y"},
			map[string]string{"a": "x\n", "b": "y\n"},
		},
		"binary": {remote.Script{Body: "answer a cat", Stdin: bytes.NewReader(binary)}, map[string]string{"a": string(binary)}},
		"input behind the script": {
			remote.Script{Body: "read -r line; answer a echo \"$line\"; answer b cat", Stdin: strings.NewReader("one\ntwo\nthree")},
			map[string]string{"a": "one\n", "b": "two\nthree"},
		},
		"arguments": {
			remote.Script{
				Body: `answer a printf '%s|' "$empty" "$words" "$quotes" "$lines" "$option" "$hangul" "$format"`,
				Args: remote.Args{
					"empty": "", "words": "a b", "quotes": `'"$(id)\n\0` + "\n'\n", "lines": "\n*\n\ttab\n\n", "option": "-n",
					"hangul": "한글", "format": "%s",
				},
			},
			map[string]string{"a": "|a b|" + `'"$(id)\n\0` + "\n'\n|\n*\n\ttab\n\n|-n|한글|%s|"},
		},
		"backslashes and quotes": {
			remote.Script{Body: "answer a cat <<'END'\n\\n \\\\ ' \" $x `y` %b %% !!\nEND"},
			map[string]string{"a": "\\n \\\\ ' \" $x `y` %b %% !!\n"},
		},
		"words of C": {remote.Script{Body: `answer a echo "$LC_ALL"`}, map[string]string{"a": "C\n"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.script.Name = name
			answer, err := host.Probe(bound(t), test.script)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for name, value := range answer.Values {
				got[name] = string(value.Output)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
			if name == "a failing command" && answer.Values["a"].Status != 3 {
				t.Errorf("status %d, want 3", answer.Values["a"].Status)
			}
		})
	}
}

func TestScriptFails(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	tests := map[string]struct {
		body string
		want remote.CommandError
	}{
		"exit":              {"echo out; echo err >&2; exit 7", remote.CommandError{Status: 7, Stderr: "out\nerr\n"}},
		"a failing command": {"false; answer a echo x", remote.CommandError{Status: 1}},
		"an unset variable": {`sh -c 'exit 4'`, remote.CommandError{Status: 4}},
		"a signal":          {"kill -KILL $$", remote.CommandError{Status: -1, Signal: "KILL"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := host.Run(bound(t), remote.Script{Name: name, Body: test.body})
			var failed *remote.CommandError
			if !errors.As(err, &failed) {
				t.Fatalf("error %v", err)
			}
			test.want.Script = name
			if diff := cmp.Diff(test.want, *failed); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if errors.Is(err, remote.ErrUnreachable) {
				t.Error("a failing script makes the host unreachable")
			}
		})
	}
}

func TestNoiseOfLoginShellsIsToldApart(t *testing.T) {
	t.Parallel()
	noise := "Welcome!\nall rights reserved\x00\xff no line end"
	host := connect(t, remotetest.NewServer(t, remotetest.Options{Noise: noise, Banner: "authorized use only\n"}))
	answer, err := host.Probe(bound(t), remote.Script{Name: "noisy", Body: "echo mine >&2; answer a echo x"})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Text("a") != "x" || answer.Stderr != "mine\n" {
		t.Errorf("answer %q, standard error %q", answer.Text("a"), answer.Stderr)
	}
}

func TestLoginShellThatRunsNothing(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{Command: func(s remotetest.Session) remotetest.Exit {
		fmt.Fprintln(s.Stdout, "This account is currently not available.")
		return remotetest.Exit{Status: 1}
	}}))
	_, err := host.Probe(bound(t), remote.Script{Name: "facts", Body: "answer a true"})
	says(t, err, "facts", "This account is currently not available.")
	if !errors.Is(err, remote.ErrProtocol) || !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("error %v", err)
	}
}

func TestEndWithoutStatus(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{Command: func(remotetest.Session) remotetest.Exit {
		return remotetest.Exit{Vanish: true}
	}}))
	_, err := host.Probe(bound(t), remote.Script{Name: "facts"})
	var failed *remote.CommandError
	if !errors.As(err, &failed) || failed.Status != -1 {
		t.Errorf("error %v", err)
	}
}

// A host that answers more than expected must not fill the memory.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	_, err := host.Probe(bound(t), remote.Script{Name: "endless", Body: "answer a cat /dev/zero"})
	says(t, err, "endless", "1 MiB")
}

// A process that a script leaves running can hold its outputs open. The script has ended nevertheless.
func TestProcessLeftBehind(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	answer, err := host.Run(bound(t), remote.Script{Name: "leave", Body: "sleep 5 & answer a echo x"})
	if err != nil || answer.Text("a") != "x" {
		t.Errorf("answer %q, error %v", answer.Text("a"), err)
	}
}

func TestCancelledScript(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	ctx, cancel := context.WithCancel(bound(t))
	started, reached := io.Pipe()
	go func() {
		_, _ = started.Read(make([]byte, 1)) // it returns when the script runs
		cancel()
	}()
	_, err := host.Run(ctx, remote.Script{
		Name: "long", Body: "head -c 1 >/dev/null; sleep 1000",
		Stdin: readerFunc(func(data []byte) (int, error) {
			data[0] = 'x'
			_ = reached.Close() // which ends that Read
			return 1, io.EOF
		}),
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("error %v", err)
	}
	if _, err := host.Probe(bound(t), remote.Script{Name: "next", Body: "answer a true"}); err != nil {
		t.Errorf("the connection is of no use any more: %v", err)
	}
	late, cancel := context.WithTimeout(bound(t), 50*time.Millisecond)
	defer cancel()
	if _, err := host.Run(late, remote.Script{Name: "long", Body: "sleep 1000"}); !errors.Is(err, remote.ErrTimeout) {
		t.Errorf("error %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(data []byte) (int, error) { return f(data) }

func TestInputThatCannotBeRead(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	broken := errors.New("disk on fire")
	_, err := host.Run(bound(t), remote.Script{
		Name: "feed", Body: "cat >/dev/null",
		Stdin: io.MultiReader(strings.NewReader("some"), readerFunc(func([]byte) (int, error) { return 0, broken })),
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{MaxSessions: 10})
	host := connect(t, server)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := host.Probe(bound(t), remote.Script{Name: "nap", Body: "sleep 0.05"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := server.MostSessions(); got > 8 {
		t.Errorf("%d sessions at once", got)
	}
	if got := server.Connections(); got != 1 {
		t.Errorf("%d connections", got)
	}
}

func TestRefusedSessionsAreAskedForAgain(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{MaxSessions: 2}))
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if _, err := host.Probe(bound(t), remote.Script{Name: "nap", Body: "sleep 0.02"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
