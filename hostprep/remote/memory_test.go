package remote_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// 64 hosts that print without end are stopped before they fill the memory, as they would if 16 MiB were kept of each.
// The test is not parallel, because it measures the memory of the whole process.
func TestManyFloodsAtOnce(t *testing.T) {
	const hosts, most = 64, 512 << 20
	server := remotetest.NewServer(t, remotetest.Options{Command: func(session remotetest.Session) remotetest.Exit {
		page := make([]byte, 32<<10)
		for session.Ended.Err() == nil {
			if _, err := session.Stdout.Write(page); err != nil {
				break
			}
		}
		return remotetest.Exit{Vanish: true}
	}})
	ready := make([]remote.Host, hosts)
	for i := range ready {
		ready[i] = connect(t, server)
	}
	over, peak := make(chan struct{}), make(chan uint64, 1)
	go func() { peak <- heap(over) }()
	var all sync.WaitGroup
	for _, host := range ready {
		all.Go(func() {
			_, err := host.Probe(bound(t), remote.Script{Name: "flood", Body: "answer a true"})
			says(t, err, "flood", "1 MiB")
		})
	}
	all.Wait()
	close(over)
	if got := <-peak; got > most {
		t.Errorf("%d hosts took %d MiB at once", hosts, got>>20)
	}
}

// heap returns the peak memory of heap objects until over is closed.
func heap(over <-chan struct{}) (most uint64) {
	var now runtime.MemStats
	for {
		runtime.ReadMemStats(&now)
		most = max(most, now.HeapAlloc)
		select {
		case <-over:
			return most
		case <-time.After(10 * time.Millisecond):
		}
	}
}
