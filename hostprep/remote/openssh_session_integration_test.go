//go:build integration

package remote_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

func TestIntegrationOpenSSHJumpHost(t *testing.T) {
	t.Parallel()
	target, jump := newSSHD(t), newSSHD(t, "ecdsa")
	target.start(t)
	jump.start(t)
	config := write(t, filepath.Join(t.TempDir(), "config"), fmt.Sprintf(`
Host bastion
  HostName 127.0.0.1
  Port %d
  User root
  IdentityFile %s/login
Host 127.0.0.1
  ProxyJump bastion
`, jump.port, jump.dir))
	both := known(t, target.knows(t, "ed25519")+jump.knows(t, "ecdsa"))
	through := func(s *remote.Settings) { s.ConfigPath = config }
	target.works(t, both, through)
	if len(jump.sessions(t)) == 0 {
		t.Error("nothing connected to the jump host")
	}
	_, err := target.host(t, both, through, func(s *remote.Settings) { s.Port = closedPort(t) })
	reason(t, err, remote.ErrRefused)
	_, err = target.host(t, known(t, target.knows(t, "ed25519")), through)
	reason(t, err, remote.ErrHostKeyUnknown)
	says(t, err, fmt.Sprintf("[127.0.0.1]:%d", jump.port))
}

// sshd drops most connections while four wait for their login. Retries log everyone in nevertheless.
func TestIntegrationOpenSSHMaxStartups(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t, "MaxStartups 2:70:4")
	results := make(chan error)
	for range 16 {
		go func() {
			_, err := server.host(t)
			results <- err
		}()
	}
	for range 16 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestIntegrationOpenSSHMaxSessions(t *testing.T) {
	t.Parallel()
	for _, most := range []string{"2", "10"} {
		server := newSSHD(t).start(t, "MaxSessions "+most)
		host, err := server.host(t)
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error)
		for range 20 {
			go func() {
				_, err := host.Probe(bound(t), remote.Script{Name: "nap", Body: "sleep 0.02"})
				results <- err
			}()
		}
		for range 20 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	}
}

func TestIntegrationOpenSSHNoSessions(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t, "MaxSessions 0", "LogLevel ERROR")
	host, err := server.host(t)
	if err != nil {
		t.Fatal(err)
	}
	_, err = host.Probe(bound(t), remote.Script{Name: "none"})
	reason(t, err, remote.ErrProtocol)
	says(t, err, "opens no session")
}

// A script waits for its session for as long as the scripts before it take.
func TestIntegrationOpenSSHOneSession(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t, "MaxSessions 1")
	host, err := server.host(t)
	if err != nil {
		t.Fatal(err)
	}
	running, ended := filepath.Join(t.TempDir(), "running"), make(chan error)
	go func() {
		// This is longer than sessionWait, for which a host may refuse sessions while none is open.
		_, err := host.Run(bound(t), remote.Script{Name: "long", Body: `: >"$path"; sleep 12`, Args: remote.Args{"path": running}})
		ended <- err
	}()
	waitFor(t, "the script does not start", func() bool {
		_, err := os.Stat(running)
		return err == nil
	})
	if _, err := host.Probe(bound(t), remote.Script{Name: "next"}); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A host that goes silent while its connection stays open is detected.
func TestIntegrationOpenSSHSilence(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t)
	host, err := server.host(t, func(s *remote.Settings) { s.KeepAlive = 100 * time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range server.sessions(t) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	_, err = host.Run(bound(t), remote.Script{Name: "long", Body: "sleep 1000"})
	reason(t, err, remote.ErrConnectionLost)
	says(t, err, "silent")
}

// An upload resumes after the sshd process of its connection was killed.
func TestIntegrationOpenSSHUploadResumes(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t)
	hosts := pool(t, server.settings(t))
	host, err := hosts.Host(bound(t), netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	const size, half = 4 << 20, 2 << 20
	content := newBlob(t, size, false)
	upload := content.upload(filepath.Join(t.TempDir(), "opt", "image"), me(t), false)
	part := filepath.Join(filepath.Dir(upload.Path), ".image.dualstrap-"+upload.SHA256[:16]+".part")
	cut := make(chan struct{})
	first := upload
	first.Open = content.openHeld(half, cut)
	failed := make(chan error)
	go func() {
		_, err := host.Upload(bound(t), first)
		failed <- err
	}()
	waitFor(t, "nothing arrives", func() bool { return sizeOf(part) >= half/2 })
	for _, pid := range server.sessions(t) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended with its parent
	}
	close(cut)
	reason(t, <-failed, remote.ErrConnectionLost)
	// An orphaned process of the first upload is still writing what had arrived.
	waitFor(t, "the first upload does not end", func() bool { return !isOpen(part) })
	if arrived := sizeOf(part); arrived < half/2 {
		t.Fatalf("%d bytes are left of the first upload", arrived)
	}
	if host, err = hosts.Host(bound(t), netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	sent := content.count(&upload)
	if changed, err := host.Upload(bound(t), upload); err != nil || !changed {
		t.Fatalf("changed %t, error %v", changed, err)
	}
	if read(t, upload.Path) != string(content.content) {
		t.Error("other content")
	}
	if content.opened != 2 || *sent != size {
		t.Errorf("the content was opened %d times and read for %d bytes: it began anew", content.opened, *sent)
	}
	alone(t, upload.Path)
}

// sizeOf returns the size of a file in bytes, or -1 if it does not exist.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return info.Size()
}

// isOpen reports whether any process of this machine has a file open.
func isOpen(path string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is valid
	return slices.ContainsFunc(files, func(file string) bool {
		target, err := os.Readlink(file)
		return err == nil && target == path
	})
}

// The writer of a download may take longer than a host has to send the rest of its output after the end of its script.
func TestIntegrationOpenSSHDownloadToSlowWriter(t *testing.T) {
	t.Parallel()
	host, err := newSSHD(t).start(t).host(t)
	if err != nil {
		t.Fatal(err)
	}
	path, content := randomFile(t, 1<<20)
	to := &onFirst{call: func() error {
		time.Sleep(18 * time.Second) // longer than outputGrace and busyGrace
		return nil
	}}
	if _, err := host.Download(bound(t), path, 1<<20, to); err != nil || !bytes.Equal(to.Bytes(), content) {
		t.Errorf("%d bytes, error %v", to.Len(), err)
	}
}
