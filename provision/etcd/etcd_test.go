package etcd_test

import (
	"net/netip"
	"testing"

	"github.com/dualstrap/dualstrap/provision/etcd"
)

func TestQuorum(t *testing.T) {
	t.Parallel()
	for voters, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 5: 3} {
		if got := etcd.Quorum(voters); got != want {
			t.Errorf("of %d: %d, want %d", voters, got, want)
		}
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	credentials := etcd.Credentials{Certificate: []byte("x"), Key: []byte("y")}
	if _, err := etcd.New(netip.MustParseAddrPort("127.0.0.1:1"), credentials, nil); err == nil {
		t.Error("no error")
	}
}
