package cmd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// Files in a fleet's directory, in addition to those of package remotetest.
const (
	fleetMembers = "members.json"
	fleetAsked   = "asked.json"
)

// fleetOptions is a format for the ProvisionOptions of a cluster on a fleet's hosts. It takes the paths of the private key
// and of known_hosts.
const fleetOptions = `---
apiVersion: dualstrap.dev/v1alpha1
kind: ProvisionOptions
allowCgroupV1: true
ssh:
  user: root
  privateKeyPath: %s
  knownHostsPath: %s
`

// fleetHosts is the program ssh-fleet. It serves the hosts of a directory until its standard input ends, and then writes
// the requests that they got. It is a process of its own so that its CPU time and memory are not counted as dualstrap's.
func fleetHosts() {
	dir := os.Args[1]
	members, err := readMembers(dir)
	if err != nil {
		log.Fatal(err)
	}
	scripts, err := fleetScripts(members)
	if err != nil {
		log.Fatal(err)
	}
	fleet, err := remotetest.NewFleet(dir, members, scripts)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(os.Stdout, "ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // an error ends the input as EOF does
	fleet.Close()
	data, err := json.Marshal(fleet.Asked())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, fleetAsked), data, 0o600)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// readMembers returns the hosts of a fleet's directory.
func readMembers(dir string) ([]remotetest.Member, error) {
	var members []remotetest.Member
	data, err := os.ReadFile(filepath.Join(dir, fleetMembers))
	if err == nil {
		err = json.Unmarshal(data, &members)
	}
	return members, err
}

// Names of scripts: the first three only read a host, the others are about the lock that create takes.
const (
	probesHost    = "probe host"
	probesNetwork = "probe network"
	surveys       = "survey the host"
	holdsLock     = "hold the lock"
	waitsForLock  = "wait for the lock"
)

// fleetScripts returns all scripts that hosts answer. Hosts recognize a script by its exact content, which the field Body
// describes as a list of script files without .sh.
func fleetScripts(members []remotetest.Member) ([]remotetest.Scripted, error) {
	probes, err := recordedProbes(members)
	if err != nil {
		return nil, err
	}
	nothing := func(netip.Addr, remote.Args) *remotetest.Reply { return remotetest.NewReply() }
	scripts := []remotetest.Scripted{
		{
			Name: probesHost, Body: "hostprep/remote/scripts/change_lock hostprep/facts/scripts/probe",
			Reply: func(host netip.Addr, _ remote.Args) *remotetest.Reply {
				return probes[host].And(remotetest.Said{Name: "clock", Output: strconv.FormatInt(time.Now().UnixNano(), 10) + "\n"})
			},
		},
		{Name: probesNetwork, Body: "hostprep/facts/scripts/network", Reply: fleetNetwork},
		{
			Name: surveys, Reply: fleetSurvey,
			Body: "hostprep/remote/scripts/change_lock hostprep/change/scripts/state hostprep/change/scripts/firewalld_read " +
				"hostprep/change/scripts/survey",
		},
		{Name: holdsLock, Body: "provision/session/scripts/run_lock", Holds: true, Reply: nothing},
		{Name: waitsForLock, Body: "provision/session/scripts/wait_lock", Reply: nothing},
	}
	for i := range scripts {
		var body strings.Builder
		for _, file := range strings.Fields(scripts[i].Body) {
			content, err := os.ReadFile("../" + file + ".sh")
			if err != nil {
				return nil, err
			}
			body.Write(content)
		}
		scripts[i].Body = body.String()
	}
	return scripts, nil
}

// recordedProbes returns the answer of each host to the probe: that of a recorded real host, with the names, IDs and
// addresses of this one.
func recordedProbes(members []remotetest.Member) (map[netip.Addr]*remotetest.Reply, error) {
	recording, err := txtar.ParseFile("../hostprep/facts/testdata/hosts/debian.txtar")
	if err != nil {
		return nil, err
	}
	probes := map[netip.Addr]*remotetest.Reply{}
	for i, member := range members {
		address := member.Address.Addr()
		own := strings.NewReplacer(
			"lab-cp-1", fmt.Sprintf("host-%d", i),
			"81621214384ae30e5a2858cc8553ca57", fmt.Sprintf("%032x", i+1),
			"02:d5:af:1c:95:f1", fmt.Sprintf("02:00:00:00:%02x:%02x", i>>8, i&0xff),
			"10.2.0.0/24", "172.16.0.0/16", `"10.2.0.4","prefixlen":24`, fmt.Sprintf(`"%s","prefixlen":16`, address), "10.2.0.4", address.String(),
			"fd12::/108", "fd12:1::/48", `"fd12::2:4","prefixlen":108`, fmt.Sprintf(`"fd12:1:0:1::%x","prefixlen":48`, i+1),
		)
		reply := remotetest.NewReply()
		for _, file := range recording.Files {
			name, status, _ := strings.Cut(file.Name, " ")
			number, err := strconv.Atoi(status)
			if err != nil {
				return nil, err
			}
			if name != "clock" {
				reply = reply.And(remotetest.Said{Name: name, Output: own.Replace(string(file.Data)), Status: number})
			}
		}
		probes[address] = reply
	}
	return probes, nil
}

// fleetNetwork returns the answer of a host to the probe of a network without faults.
func fleetNetwork(_ netip.Addr, args remote.Args) *remotetest.Reply {
	var out strings.Builder
	for task := range strings.SplitSeq(args["tasks"], "\n") {
		switch words := strings.Fields(task); words[0] {
		case "reach":
			fmt.Fprintf(&out, "reach %s whole\n", words[1])
		case "connect":
			fmt.Fprintf(&out, "connect %s %s refused\n", words[1], words[2])
		}
	}
	return remotetest.NewReply(remotetest.Said{Name: "network", Output: out.String()})
}

// fleetSurvey returns the answer of a bare host, on which nothing of a node is installed yet, to the survey of changes.
func fleetSurvey(_ netip.Addr, args remote.Args) *remotetest.Reply {
	var dirs []string
	for file := range strings.SplitSeq(args["files"], "\n") {
		dirs = append(dirs, path.Dir(file))
	}
	slices.Sort(dirs)
	var settings, units strings.Builder
	for key := range strings.SplitSeq(args["keys"], "\n") {
		fmt.Fprintf(&settings, "%s:0\n", key)
	}
	for unit := range strings.SplitSeq(args["units"], "\n") {
		fmt.Fprintf(&units, "Id=%s\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n\n", unit)
	}
	said := func(name, output string) remotetest.Said { return remotetest.Said{Name: name, Output: output} }
	return remotetest.NewReply(
		said("stat", ""), said("directories", strings.Join(slices.Compact(dirs), "\n")+"\n"), said("sums", "\n"), said("digests", ""),
		said("sysctls", settings.String()), said("loadable", ""), said("units", units.String()),
		said("programs", ""), said("images", ""),
	)
}
