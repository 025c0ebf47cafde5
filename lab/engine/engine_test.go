package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCreateArguments(t *testing.T) {
	t.Parallel()
	container := Container{
		Name: "dualstrap-lab-cp-1", Hostname: "lab-cp-1", Image: "image", Volume: "dualstrap-lab-cp-1",
		Labels: map[string]string{"b": "2", "a": "1"}, Modules: true,
	}
	common := "--privileged --cgroupns=private --pids-limit=-1 --network none " +
		"--env container=ENGINE --stop-signal SIGRTMIN+3 " +
		"--tmpfs /run:rw,nosuid,nodev,mode=755 --tmpfs /run/lock --tmpfs /tmp " +
		"--volume dualstrap-lab-cp-1:/var/lib --volume /lib/modules:/lib/modules:ro image /sbin/init"
	for _, test := range []struct {
		engine Engine
		want   string
	}{
		{
			Podman(Limits{Soft: 1024, Hard: 20000}),
			"--runtime runc --systemd=false --no-hosts --log-opt max-size=1mb --ulimit nofile=1024:20000 --ulimit nproc=32768:32768",
		},
		{Docker(), "--log-opt max-size=1m"},
	} {
		want := "create --name dualstrap-lab-cp-1 --hostname lab-cp-1 --label a=1 --label b=2 " + test.want + " " +
			strings.ReplaceAll(common, "ENGINE", test.engine.Program)
		if got := strings.Join(test.engine.createArgs(container), " "); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", test.engine.Program, got, want)
		}
	}
	container.Modules = false
	if got := Docker().createArgs(container); slices.Contains(got, "/lib/modules:/lib/modules:ro") {
		t.Errorf("a machine without modules: %v", got)
	}
}

func TestFilterArguments(t *testing.T) {
	t.Parallel()
	got := filterArgs(map[string]string{"b": "", "a": "1"})
	if want := []string{"--filter", "label=a=1", "--filter", "label=b"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestExecArguments(t *testing.T) {
	t.Parallel()
	if got, want := strings.Join(Docker().ExecArgs("c", true, "ls", "-l"), " "), "exec --interactive --tty c ls -l"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := strings.Join(Docker().ExecArgs("c", false, "ls"), " "), "exec --interactive c ls"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The two answers are shortened to the fields that are read, and some around them.
func TestInspectOfBothEngines(t *testing.T) {
	t.Parallel()
	podman := `[
	  {"Id": "8b03", "Name": "running", "State": {"OciVersion": "1.0.2-dev", "Status": "running", "Running": true, "Pid": 4711,
	   "StartedAt": "2026-11-25T02:33:16.421342141Z", "FinishedAt": "0001-01-01T00:00:00Z"}, "Config": {"Labels": {"l": "v"}}},
	  {"Id": "8b04", "Name": "created", "State": {"Status": "created", "Running": false, "Pid": 0,
	   "StartedAt": "0001-01-01T00:00:00Z"}, "Config": {"Labels": null}}]`
	docker := `[
	  {"Id": "8b05", "Name": "/exited", "State": {"Status": "exited", "Running": false, "Pid": 0,
	   "StartedAt": "2026-11-25T03:33:16.42Z"}, "Config": {"Labels": {"l": "w"}}}]`
	found, err := parseInspect([]byte(podman))
	if err != nil {
		t.Fatal(err)
	}
	more, err := parseInspect([]byte(docker))
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, more...)
	if len(found) != 3 {
		t.Fatalf("%d containers: %+v", len(found), found)
	}
	started := time.Date(2026, 11, 25, 2, 33, 16, 421342141, time.UTC)
	if c := found[0]; c.Name != "running" || !c.Running || !c.Started || c.PID != 4711 || !c.StartedAt.Equal(started) || c.Labels["l"] != "v" {
		t.Errorf("running: %+v", c)
	}
	if c := found[1]; c.Name != "created" || c.Running || c.Started || c.PID != 0 {
		t.Errorf("created: %+v", c)
	}
	if c := found[2]; c.Name != "exited" || c.Running || !c.Started || c.PID != 0 || c.Labels["l"] != "w" {
		t.Errorf("exited: %+v", c)
	}
	if _, err := parseInspect([]byte("Error: no such object")); err == nil {
		t.Error("an answer that is no JSON is understood")
	}
}

func TestCommandError(t *testing.T) {
	t.Parallel()
	engine := Engine{Program: "sh"}
	_, err := engine.Run(t.Context(), "-c", "echo no such thing >&2; exit 3")
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || failed.Code != 3 || failed.Error() != "sh -c: no such thing" {
		t.Errorf("%#v", err)
	}
	if _, err := (Engine{Program: "/no/such/engine"}).Run(t.Context(), "ps"); err == nil {
		t.Error("an engine that is not there runs")
	}
}
