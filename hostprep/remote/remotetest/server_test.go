package remotetest_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// As with sshd, a command reads everything that arrived before its connection broke.
func TestCommandReadsWhatArrivedBeforeTheCut(t *testing.T) {
	t.Parallel()
	const cut, underWay = 1 << 20, 64 << 10
	counted := make(chan int64, 1)
	server := remotetest.NewServer(t, remotetest.Options{
		Fault: func(int) remotetest.Fault { return remotetest.Fault{CutAfter: cut} },
		Command: func(session remotetest.Session) remotetest.Exit {
			n, _ := io.Copy(io.Discard, session.Stdin)
			counted <- n
			return remotetest.Exit{}
		},
	})
	hosts, err := remote.NewPool(server.Settings())
	if err != nil {
		t.Fatal(err)
	}
	defer hosts.Close()
	host, err := hosts.Host(t.Context(), server.Addr().Addr())
	if err != nil {
		t.Fatal(err)
	}
	_, err = host.Run(t.Context(), remote.Script{Name: "send", Stdin: bytes.NewReader(make([]byte, 2*cut))})
	if !errors.Is(err, remote.ErrConnectionLost) {
		t.Fatalf("error %v", err)
	}
	if n := <-counted; n < cut-underWay {
		t.Errorf("the command read %d bytes, of %d that were sent before the cut", n, cut)
	}
}
