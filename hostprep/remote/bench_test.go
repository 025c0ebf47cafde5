package remote_test

import (
	"context"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// benchHosts is how many hosts are visited.
const benchHosts = 1000

// echo answers as sh would, without one: what is measured is this side.
func echo(s remotetest.Session) remotetest.Exit {
	if s.Command == "true" {
		return remotetest.Exit{}
	}
	script := make([]byte, 4096)
	n, err := s.Stdin.Read(script)
	_, after, found := strings.Cut(string(script[:n]), "begin %s\\\\n' ")
	marker, _, _ := strings.Cut(after, " ")
	if err != nil || !found {
		return remotetest.Exit{Status: 1}
	}
	output := "\n" + marker + " begin kernel\n6.1\n\n" + marker + " end 0\n\n" + marker + " done 0\n"
	if _, err := s.Stdout.Write([]byte(output)); err != nil {
		return remotetest.Exit{Status: 1}
	}
	return remotetest.Exit{}
}

// BenchmarkProbe compares connecting to many hosts and asking each one thing with the least that
// golang.org/x/crypto/ssh needs for it, at the same concurrency.
func BenchmarkProbe(b *testing.B) {
	hosts := loopback(benchHosts)
	first := remotetest.NewServer(b, remotetest.Options{Address: netip.AddrPortFrom(hosts[0], 0), Command: echo})
	settings := first.Settings()
	private, err := os.ReadFile(settings.PrivateKeyPath)
	if err != nil {
		b.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		b.Fatal(err)
	}
	lines := []string{first.KnownHostsLine()}
	for _, host := range hosts[1:] {
		server := remotetest.NewServer(b, remotetest.Options{
			Address: netip.AddrPortFrom(host, first.Addr().Port()), Command: echo, Authorized: []ssh.PublicKey{signer.PublicKey()},
		})
		lines = append(lines, server.KnownHostsLine())
	}
	if err := os.WriteFile(settings.KnownHostsPath, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	bare := func(_ context.Context, host netip.Addr) (struct{}, error) {
		client, err := ssh.Dial("tcp", netip.AddrPortFrom(host, settings.Port).String(), &ssh.ClientConfig{
			User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		if err != nil {
			return struct{}{}, err
		}
		defer client.Close() //nolint:errcheck // it is over
		session, err := client.NewSession()
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, session.Run("true")
	}
	b.ReportAllocs()
	var ours, theirs time.Duration
	for b.Loop() {
		begun := time.Now()
		if _, err := remote.ForEach(b.Context(), hosts, 0, bare); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(begun)
		begun = time.Now()
		all, err := remote.NewPool(settings)
		if err != nil {
			b.Fatal(err)
		}
		_, err = remote.ForEach(b.Context(), hosts, 0, func(ctx context.Context, host netip.Addr) (remote.Answer, error) {
			h, err := all.Host(ctx, host)
			if err != nil {
				return remote.Answer{}, err
			}
			return h.Probe(ctx, remote.Script{Name: "facts", Body: "answer kernel uname -r"})
		})
		if err != nil {
			b.Fatal(err)
		}
		ours += time.Since(begun)
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		// Both sides of all connections, which are open still.
		b.ReportMetric(float64(memory.HeapInuse+memory.StackInuse)/(1<<20), "MiB-both-sides")
		all.Close()
	}
	b.ReportMetric(float64(ours)/float64(theirs), "x-bare-ssh")
	b.ReportMetric(float64(ours.Milliseconds())/float64(b.N), "ms/1000-hosts")
}
