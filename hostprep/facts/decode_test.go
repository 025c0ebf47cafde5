package facts

import (
	"encoding/json"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/goldentest"
)

// recorded reads a recorded output of the probe's script. Each section is an answer, with its exit status.
func recorded(tb testing.TB, path string) remote.Answer {
	tb.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	answer := remote.Answer{Values: map[string]remote.Value{}, Duration: 100 * time.Millisecond}
	for _, file := range archive.Files {
		name, status, _ := strings.Cut(file.Name, " ")
		number, err := strconv.Atoi(status)
		if err != nil {
			tb.Fatalf("%s: %q has no exit status", path, file.Name)
		}
		answer.Values[name] = remote.Value{Output: file.Data, Status: number}
	}
	return answer
}

func recordings(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/hosts/*.txtar")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("there are no recordings: %v", err)
	}
	return paths
}

// at returns the time at which the recordings "arrive". The clocks of their hosts are far from it.
func at() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) }

func TestGoldenFacts(t *testing.T) {
	t.Parallel()
	for _, path := range recordings(t) {
		facts, err := decode(recorded(t, path), at())
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		text, err := json.MarshalIndent(facts, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		goldentest.Compare(t, strings.TrimSuffix(path, ".txtar")+".json", append(text, '\n'))
	}
}

// healthyAnswer returns the recorded output of a host without any problem.
func healthyAnswer(tb testing.TB) remote.Answer {
	tb.Helper()
	return recorded(tb, "testdata/hosts/debian.txtar")
}

// TestHostileFacts tries answers that are malformed or incomplete.
func TestHostileFacts(t *testing.T) {
	t.Parallel()
	t.Run("deep addresses", func(t *testing.T) {
		t.Parallel()
		answer := healthyAnswer(t)
		answer.Values["addresses"] = remote.Value{Output: []byte(strings.Repeat("[", 500_000))}
		if _, err := decode(answer, at()); err == nil || !strings.Contains(err.Error(), "addresses") {
			t.Errorf("error %v", err)
		}
	})
	for name, wrong := range map[string]string{
		"lines":     "/proc/meminfo:MemTotal: lots",
		"cpus":      "two",
		"space":     "id 4096 1 1",
		"features":  "overlay perhaps",
		"units":     "nothing",
		"addresses": "[{",
		"routes4":   "fd12::/108 dev eth0",
		"routes6":   "fd12::/200 dev eth0",
		"listeners": "tcp LISTEN",
		"endpoints": "no endpoint",
		"clock":     "noon",
	} {
		t.Run("wrong "+name, func(t *testing.T) {
			t.Parallel()
			answer := healthyAnswer(t)
			answer.Values[name] = remote.Value{Output: []byte(wrong + "\n")}
			if _, err := decode(answer, at()); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%q: error %v, want one that names %s", wrong, err, name)
			}
		})
		t.Run("no "+name, func(t *testing.T) {
			t.Parallel()
			answer := healthyAnswer(t)
			delete(answer.Values, name)
			if _, err := decode(answer, at()); err == nil || !strings.Contains(err.Error(), `lacks "`+name+`"`) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestDecodeTolerates verifies that a missing program is not an error.
func TestDecodeTolerates(t *testing.T) {
	t.Parallel()
	for _, d := range decoders() {
		if d.name == "lines" {
			continue
		}
		answer := healthyAnswer(t)
		answer.Values[d.name] = remote.Value{Output: []byte("sh: not found"), Status: 127}
		if _, err := decode(answer, at()); err != nil {
			t.Errorf("without the program of %s: %v", d.name, err)
		}
	}
}

func TestDecodeClock(t *testing.T) {
	t.Parallel()
	answer := healthyAnswer(t)
	answer.Duration = 2 * time.Second
	// The host read its clock one second before the answer arrived, plus or minus one, and was three seconds ahead.
	answer.Values["clock"] = remote.Value{Output: []byte(strconv.FormatInt(at().Add(2*time.Second).UnixNano(), 10))}
	facts, err := decode(answer, at())
	if err != nil {
		t.Fatal(err)
	}
	want := Clock{Known: true, Ahead: 3 * time.Second, Uncertainty: time.Second, Synchronized: facts.Clock.Synchronized}
	if facts.Clock != want {
		t.Errorf("clock %+v, want %+v", facts.Clock, want)
	}
}

func TestCAHash(t *testing.T) {
	t.Parallel()
	// The hash that kubeadm prints for this certificate: openssl x509 -pubkey | openssl rsa -pubin -outform der | sha256sum.
	archive, err := txtar.ParseFile("testdata/ca.txtar")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(archive.Files[0].Data)), "\n")
	got, err := CAHash(archive.Files[0].Data)
	if want := strings.TrimSpace(string(archive.Files[1].Data)); err != nil || got != want {
		t.Errorf("hash %q, want %q: %v", got, want, err)
	}
	if got, err := CAHash([]byte(strings.Join(lines[:3], "\n"))); got != "" || err != nil {
		t.Errorf("a certificate cut off has the hash %q: %v", got, err)
	}
	if got, err := CAHash([]byte(strings.Join([]string{lines[0], "AAAA", lines[len(lines)-1]}, "\n"))); err == nil {
		t.Errorf("what is no certificate has the hash %q", got)
	}
}

func TestDecodeNetwork(t *testing.T) {
	t.Parallel()
	answer := remote.Answer{Values: map[string]remote.Value{"network": {Output: []byte(`reach 10.2.0.5 whole
reach fd12::2:5 filtered
connect 10.2.0.175 443 refused
neighbour 10.2.0.212 lladdr 02:00:00:00:00:0A REACHABLE
neighbour 10.2.0.213 FAILED
neighbour 10.2.0.214 lladdr 02:00:00:00:00:0b FAILED
neighbour fd12::4:101 lladdr 02:00:00:00:00:0c router STALE
neighbour fd12::4:102 INCOMPLETE
neighbour fd12::4:103 lladdr 02:00:00:00:00:0d DELAY
neighbour fd12::4:104 lladdr 02:00:00:00:00:0e PROBE
`)}}}
	facts, err := decodeNetwork(answer)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(facts.Reached); got != 2 {
		t.Errorf("%d hosts reached", got)
	}
	var macs []string
	for _, address := range slices.SortedFunc(maps.Keys(facts.Neighbours), netip.Addr.Compare) {
		macs = append(macs, address.String()+" "+facts.Neighbours[address])
	}
	if want := []string{"10.2.0.212 02:00:00:00:00:0a", "fd12::4:101 02:00:00:00:00:0c"}; !slices.Equal(macs, want) {
		t.Errorf("neighbours %v, want %v", macs, want)
	}
}

// TestHostileNetworkFacts tries results that the script for network probes never prints.
func TestHostileNetworkFacts(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"reach", "reach here whole", "connect 10.2.0.175 http open", "connect 10.2.0.175 443", "connect 10.2.0.175 65536 open",
		"greet 10.2.0.5 hi",
	} {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			answer := remote.Answer{Values: map[string]remote.Value{"network": {Output: []byte(wrong)}}}
			if _, err := decodeNetwork(answer); err == nil || !strings.Contains(err.Error(), wrong) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	answer := healthyAnswer(b)
	for b.Loop() {
		if _, err := decode(answer, at()); err != nil {
			b.Fatal(err)
		}
	}
}
