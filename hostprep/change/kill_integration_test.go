//go:build integration

package change_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
	"github.com/dualstrap/dualstrap/internal/soak"
)

// childVariable is the environment variable that makes this test binary work on a host as a child process. Its
// value is a reach as JSON.
const childVariable = "DUALSTRAP_CHANGE_CHILD"

// reach describes how a child reaches the host.
type reach struct {
	Port            uint16
	Key, KnownHosts string
	// Slow makes the child apply slow instead of desired, and print the number of planned actions.
	Slow bool
}

func (r reach) encode(tb testing.TB) string {
	tb.Helper()
	how, err := json.Marshal(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(how)
}

func TestMain(m *testing.M) {
	how := os.Getenv(childVariable)
	if how == "" {
		m.Run()
		return
	}
	if err := child(context.Background(), how); err != nil {
		log.Fatal(err)
	}
}

// child applies the desired state, or undoes it if the host is already in it.
func child(ctx context.Context, how string) error {
	var to reach
	if err := json.Unmarshal([]byte(how), &to); err != nil {
		return err
	}
	pool, err := remote.NewPool(remote.Settings{
		Port: to.Port, PrivateKeyPath: to.Key, KnownHostsPath: to.KnownHosts, ConfigPath: remote.None, AgentSocket: remote.None,
	})
	if err != nil {
		return err
	}
	defer pool.Close()
	host, err := pool.Host(ctx, netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		return err
	}
	wanted := desired()
	if to.Slow {
		wanted = slow()
	}
	state, err := change.Survey(ctx, host, wanted)
	if err != nil {
		return err
	}
	actions := change.Plan(state, wanted)
	switch {
	case to.Slow:
		printPlan(actions)
	case len(actions) == 0:
		return change.Undo(ctx, host, osfamily.Of("debian"))
	}
	err = change.Apply(ctx, host, actions, nil)
	return err
}

// killAnywhere starts children and kills them at random moments, while they apply and while they undo. At no
// moment is a file incomplete.
func killAnywhere(t *testing.T, m *machine, server *remotetest.Server) {
	t.Helper()
	settings := server.Settings()
	how := reach{Port: settings.Port, Key: settings.PrivateKeyPath, KnownHosts: settings.KnownHostsPath}.encode(t)
	start := func() *exec.Cmd {
		command := exec.CommandContext(t.Context(), os.Args[0])
		command.Env = append(os.Environ(), childVariable+"="+how)
		command.Stderr = t.Output()
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		return command
	}
	begun := time.Now()
	if err := start().Wait(); err != nil {
		t.Fatalf("a child that is left alone fails: %v", err)
	}
	took := time.Since(begun)
	sums := map[string]string{}
	for _, file := range desired().Files {
		sums[file.Path] = sum(string(file.Content))
	}
	delete(sums, "/etc/motd") // it was there before
	for _, program := range desired().Executables {
		sums[program.Path] = program.SHA256
	}
	random := rand.New(rand.NewPCG(soak.Seed(t, 1), 2))
	for range soak.Rounds(6, 60) {
		running := start()
		time.Sleep(time.Duration(random.Int64N(int64(took)))) // the moment to kill it
		running.Process.Kill()
		_ = running.Wait() // it was killed
		for path, sum := range sums {
			m.sh(fmt.Sprintf(`! [ -e %[1]s ] || [ "$(sha256sum <%[1]s)" = "%[2]s  -" ]`, path, sum))
		}
	}
}
