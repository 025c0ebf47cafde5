package render

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/dualstrap/dualstrap/internal/goldentest"
)

// TestHostsOfEveryOptionGolden compares the hosts of a cluster that uses the features that the examples do not.
func TestHostsOfEveryOptionGolden(t *testing.T) {
	t.Parallel()
	for _, knowledge := range []string{"offline", "known"} {
		hosts, err := Hosts(scenarioInput(t, "three-control-planes-with-load-balancers/"+knowledge))
		if err != nil {
			t.Fatalf("Hosts: %v", err)
		}
		goldentest.Compare(t, "testdata/hosts/every-option-"+knowledge+".txt", hostsText(hosts))
	}
}

// hostsText returns every file of every host as one text, each file under a line with its host, path and mode. A file
// that an earlier host has as well is listed, but not repeated.
func hostsText(hosts []HostFiles) []byte {
	var text bytes.Buffer
	first := map[string]string{}
	for _, host := range hosts {
		fmt.Fprintf(&text, "==== %s, %s\n", host.Address, host.Role)
		for _, file := range host.Files {
			key := file.Path + "\x00" + string(file.Content)
			if earlier, seen := first[key]; seen {
				fmt.Fprintf(&text, "-- %s %s %#o: as on %s\n", host.Address, file.Path, file.Mode, earlier)
				continue
			}
			first[key] = host.Address.String()
			fmt.Fprintf(&text, "-- %s %s %#o\n%s", host.Address, file.Path, file.Mode, file.Content)
		}
	}
	return text.Bytes()
}
