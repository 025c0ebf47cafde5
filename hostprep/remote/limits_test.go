package remote_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// short sets limits of fractions of a second.
func short(s *remote.Settings) {
	s.Limits = remote.Limits{Read: 500 * time.Millisecond, Change: 600 * time.Millisecond, Total: 2 * time.Second}
}

// hostiles returns scripts that never finish, with the expected error text.
func hostiles() map[string]struct {
	host remotetest.Hostile
	says string
} {
	return map[string]struct {
		host remotetest.Hostile
		says string
	}{
		"silent":         {remotetest.Silent, "it has shown no progress for %s; it has said nothing"},
		"drips":          {remotetest.Drips, "it has shown no progress for %s; it last said: \"..."},
		"drips lines":    {remotetest.DripsLines, `it has shown no progress for %s; it last said: "trying again\x1b[2J"`},
		"drips progress": {remotetest.DripsProgress, `; it last said: "progress 0"`},
		"drips patience": {remotetest.DripsPatience, `it has not ended within 2s; it last said: "progress 65535"`},
		"floods stderr":  {remotetest.FloodsStderr, "it has shown no progress for %s; it last said: \"n"},
		"never closes":   {remotetest.NeverCloses, `it has said that it ended, but its session does not; it last said: "done 0"`},
		"stops in the midst": {
			remotetest.StopsInAnAnswer, `it has shown no progress for %s; it last said: the beginning of its answer "content"`,
		},
	}
}

// TestHostileHosts tries scripts that never finish: they are ended, the error quotes their last output, and other hosts
// are not affected.
func TestHostileHosts(t *testing.T) {
	t.Parallel()
	healthy := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	for name, test := range hostiles() {
		for _, deaf := range []bool{false, true} {
			for kind, run := range map[string]func(remote.Host, remote.Script) (remote.Answer, error){
				"500ms": func(h remote.Host, s remote.Script) (remote.Answer, error) { return h.Probe(bound(t), s) },
				"600ms": func(h remote.Host, s remote.Script) (remote.Answer, error) { return h.Run(bound(t), s) },
			} {
				t.Run(fmt.Sprint(name, " ", kind, " deaf ", deaf), func(t *testing.T) {
					t.Parallel()
					server := remotetest.NewServer(t, remotetest.Options{Command: test.host.Command(deaf)})
					host := connect(t, server, short)
					answer, err := run(host, remote.Script{Name: "look around", Body: "answer a echo x"})
					if !errors.Is(err, remote.ErrTimeout) || !errors.Is(err, remote.ErrUnreachable) || len(answer.Values) > 0 {
						t.Fatalf("answer %v, error %v", answer.Values, err)
					}
					reason(t, err, remote.ErrTimeout)
					says(t, err, "look around: ", strings.ReplaceAll(test.says, "%s", kind))
					// How much of a flood on this same machine arrives before the deadline is not predictable.
					flood := name == "floods stderr"
					for late := time.Now().Add(patience / 4); !flood && !slices.Contains(server.Signals(), "TERM"); time.Sleep(time.Millisecond) {
						if time.Now().After(late) {
							t.Fatal("the process was not told to end")
						}
					}
					if strings.Contains(err.Error(), "secret") {
						t.Errorf("the error contains a part of an answer: %v", err)
					}
					if _, err := healthy.Probe(bound(t), remote.Script{Name: "look", Body: "answer a true"}); err != nil {
						t.Errorf("another host: %v", err)
					}
				})
			}
		}
	}
}

// A host that does not close its sessions does not block the scripts that wait for a slot.
func TestSessionsThatNeverClose(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{Command: remotetest.Hostile(remotetest.Silent).Command(true)})
	hosts := pool(t, settingsOf(server, short))
	var all sync.WaitGroup
	for range 20 { // more than maxSessions
		all.Go(func() {
			host, err := hosts.Host(bound(t), server.Addr().Addr())
			if err == nil {
				_, err = host.Probe(bound(t), remote.Script{Name: "look"})
			}
			if !errors.Is(err, remote.ErrUnreachable) {
				t.Errorf("error %v", err)
			}
		})
	}
	all.Wait()
}

func settingsOf(server *remotetest.Server, change func(*remote.Settings)) remote.Settings {
	settings := server.Settings()
	change(&settings)
	return settings
}

// A slow script that reports progress is not ended, however long it takes in all. Neither is one that has asked for more time.
func TestSlowScriptsThatShowProgress(t *testing.T) {
	t.Parallel()
	limits := func(s *remote.Settings) {
		s.Limits = remote.Limits{Read: 2 * time.Second, Change: 2 * time.Second, Total: time.Minute}
	}
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}), limits)
	for name, body := range map[string]string{
		"step by step":  `for _ in 1 2 3 4 5 6; do progress; sleep 0.5; done; answer a echo x`,
		"asks for time": `progress 30; sleep 3; progress; answer a echo x`,
		"in an answer":  `f() { progress; echo x; }; answer a f`, // it is part of the answer there, and does no harm
		"past its end":  `(exec 3>&-; progress); answer a echo x`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := host.Probe(bound(t), remote.Script{Name: name, Body: body})
			if err != nil || answer.Text("a") != "x" || answer.Stderr != "" {
				t.Errorf("answer %q, standard error %q, error %v", answer.Text("a"), answer.Stderr, err)
			}
		})
	}
}

// Waiting for another run's lock, for which wait_unlocked has its own timeout, does not count as a stall.
func TestWaitingForTheLockDoesNotStall(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}), func(s *remote.Settings) {
		s.Limits = remote.Limits{Read: time.Second, Total: time.Minute}
	})
	path := write(t, t.TempDir()+"/lock", "")
	lock, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	var other sync.WaitGroup
	defer other.Wait()
	other.Go(func() {
		time.Sleep(3 * time.Second)
		_ = unix.Flock(int(lock.Fd()), unix.LOCK_UN) // if it fails, the script times out
	})
	script := strings.ReplaceAll(remote.LockScript(), "/run/dualstrap-changes.lock", path)
	if _, err := host.Probe(bound(t), remote.Script{Name: "look", Body: script + "wait_unlocked\nanswer a true"}); err != nil {
		t.Error(err)
	}
}

// Input that the host accepts counts as progress. A script that lasts has its limit after the end of its input.
func TestInputIsProgress(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}), func(s *remote.Settings) {
		s.Limits = remote.Limits{Read: time.Second, Change: 2 * time.Second, Total: 3 * time.Second}
	})
	t.Run("slow input", func(t *testing.T) {
		t.Parallel()
		left := 8 << 20
		slow := readerFunc(func(data []byte) (int, error) {
			n := min(len(data), left)
			if left -= n; n == 0 {
				return 0, io.EOF
			}
			if left%(1<<20) == 0 {
				time.Sleep(500 * time.Millisecond)
			}
			return n, nil
		})
		answer, err := host.Run(bound(t), remote.Script{Name: "feed", Body: "answer size wc -c", Stdin: slow})
		if err != nil {
			t.Errorf("answer %q, error %v", answer.Text("size"), err)
		}
	})
	t.Run("lasting", func(t *testing.T) {
		t.Parallel()
		input, hold := io.Pipe()
		time.AfterFunc(4*time.Second, func() { _ = hold.Close() }) // closing this pipe never fails
		if _, err := host.Run(bound(t), remote.Script{Name: "hold", Body: "cat >/dev/null", Stdin: input, Lasts: true}); err != nil {
			t.Error(err)
		}
	})
	t.Run("lasting longer", func(t *testing.T) {
		t.Parallel()
		_, err := host.Run(bound(t), remote.Script{
			Name: "hold", Body: "cat >/dev/null; sleep 1000", Stdin: strings.NewReader(""), Lasts: true,
		})
		reason(t, err, remote.ErrTimeout)
	})
}
