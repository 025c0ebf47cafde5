package remotetest_test

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// fleetPort is the port of all hosts, each of which has its own loopback address.
const fleetPort = 22022

func greet(argument string) remote.Script {
	return remote.Script{Name: "greet", Body: "answer hello printf '%s\\n' \"$name\"\n\\", Args: remote.Args{"a": "-", "name": argument}}
}

// startFleet starts a fleet whose hosts know one script, which greets.
func startFleet(t *testing.T, members ...remotetest.Member) (*remotetest.Fleet, *remote.Pool) {
	t.Helper()
	dir := t.TempDir()
	fleet, err := remotetest.NewFleet(dir, members, []remotetest.Scripted{{
		Name: "greet", Body: greet("").Body,
		Reply: func(host netip.Addr, args remote.Args) *remotetest.Reply {
			return remotetest.NewReply(remotetest.Said{Name: "hello", Output: fmt.Sprintln(host, args), Status: 3})
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fleet.Close)
	pool, err := remote.NewPool(remote.Settings{
		Port: fleetPort, PrivateKeyPath: filepath.Join(dir, remotetest.LoginKey), KnownHostsPath: filepath.Join(dir, remotetest.KnownHosts),
		ConfigPath: remote.None, AgentSocket: remote.None, Home: dir, ConnectTimeout: 2 * time.Second, KeepAlive: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return fleet, pool
}

func TestFleetAnswers(t *testing.T) {
	t.Parallel()
	address := netip.MustParseAddr("127.45.0.1")
	fleet, pool := startFleet(t, remotetest.Member{Address: netip.AddrPortFrom(address, fleetPort)})
	host, err := pool.Host(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := host.Probe(t.Context(), greet(`it's \ a line
and 'another'`))
	want := map[string]remote.Value{"hello": {Output: []byte("127.45.0.1 map[a:- name:it's \\ a line\nand 'another']\n"), Status: 3}}
	if diff := cmp.Diff(want, answer.Values); diff != "" || err != nil {
		t.Errorf("%v, answers (-want +got):\n%s", err, diff)
	}
	unknown := remote.Script{Name: "other", Body: "echo 'other'"}
	var failed *remote.CommandError
	if _, err := host.Run(t.Context(), unknown); err == nil || errors.As(err, &failed) && failed.Status == 0 {
		t.Errorf("an unknown script: %v", err)
	}
	asked := fleet.Asked()
	if len(asked) != 2 || asked[0] != (remotetest.Asked{Host: address, Name: "greet"}) || asked[1].Name != "" {
		t.Errorf("it was asked %+v", asked)
	}
}

func TestFleetAilments(t *testing.T) {
	t.Parallel()
	for i, test := range []struct {
		ailment remotetest.Ailment
		want    error
	}{
		{remotetest.Refuses, remote.ErrUnreachable},
		{remotetest.Hangs, remote.ErrUnreachable},
		{remotetest.Drops, remote.ErrConnectionLost},
		{remotetest.Stalls, remote.ErrConnectionLost},
		{remotetest.Differs, remote.ErrHostKeyChanged},
	} {
		t.Run(string(test.ailment), func(t *testing.T) {
			t.Parallel()
			address := netip.AddrFrom4([4]byte{127, 45, 1, byte(i + 1)})
			_, pool := startFleet(t, remotetest.Member{Address: netip.AddrPortFrom(address, fleetPort), Ailment: test.ailment})
			host, err := pool.Host(t.Context(), address)
			if err == nil {
				_, err = host.Probe(t.Context(), greet("you"))
			}
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}
