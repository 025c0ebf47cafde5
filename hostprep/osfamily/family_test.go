package osfamily_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/osfamily"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ids  []string // ID, and the words of ID_LIKE
		want string   // empty for an unknown family
	}{
		"Debian":              {[]string{"debian"}, "Debian"},
		"Ubuntu":              {[]string{"ubuntu", "debian"}, "Debian"},
		"Linux Mint":          {[]string{"linuxmint", "ubuntu", "debian"}, "Debian"},
		"RHEL":                {[]string{"rhel", "fedora"}, "RHEL"},
		"Rocky Linux":         {[]string{"rocky", "rhel", "centos", "fedora"}, "RHEL"},
		"CentOS Stream":       {[]string{"centos", "rhel", "fedora"}, "RHEL"},
		"Fedora":              {[]string{"fedora"}, "RHEL"},
		"SLES":                {[]string{"sles", "suse"}, "SUSE"},
		"openSUSE Leap":       {[]string{"opensuse-leap", "suse", "opensuse"}, "SUSE"},
		"openSUSE Tumbleweed": {[]string{"opensuse-tumbleweed", "opensuse", "suse"}, "SUSE"},
		"Alpine":              {[]string{"alpine"}, ""},
		"no os-release":       {[]string{""}, ""},
	} {
		if got := osfamily.Of(test.ids...).Name; got != test.want {
			t.Errorf("%s: family %q, want %q", name, got, test.want)
		}
	}
}

func TestOfManager(t *testing.T) {
	t.Parallel()
	debian, rhel, suse := osfamily.Of("debian"), osfamily.Of("rhel"), osfamily.Of("sles")
	for name, test := range map[string]struct {
		own      osfamily.Family
		programs []string
		want     string
	}{
		"its own":                            {rhel, []string{"dnf"}, "RHEL"},
		"its own, and one of another family": {rhel, []string{"apt-get", "dnf", "zypper"}, "RHEL"},
		"one of another family":              {rhel, []string{"apt-get"}, "Debian"},
		"none":                               {debian, nil, "Debian"},
		"an unknown release":                 {osfamily.Family{}, []string{"dnf"}, "RHEL"},
		"an unknown release, several":        {osfamily.Family{}, []string{"zypper", "apt-get"}, "Debian"},
		"an unknown release, and none":       {osfamily.Family{}, nil, ""},
		"SUSE":                               {suse, []string{"zypper"}, "SUSE"},
	} {
		programs := map[string]bool{}
		for _, program := range test.programs {
			programs[program] = true
		}
		if got := osfamily.OfManager(test.own, programs).Name; got != test.want {
			t.Errorf("%s: family %q, want %q", name, got, test.want)
		}
	}
}

// TestTableIsComplete verifies that every family names a package for every program, and that exactly the supported ones
// have a script.
func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	var managers []string
	for _, family := range osfamily.All() {
		managers = append(managers, family.Manager)
	}
	none := osfamily.Family{}.Script()
	for _, family := range osfamily.All() {
		for _, program := range osfamily.Programs() {
			if isManager := slices.Contains(managers, program); isManager != (family.Package(program) == "") {
				t.Errorf("%s: %s is in package %q", family.Name, program, family.Package(program))
			}
		}
		if family.IsSupported() == (family.Script() == none) {
			t.Errorf("%s: supported is %t, its script:\n%s", family.Name, family.IsSupported(), family.Script())
		}
		if family.IsSupported() != (len(family.Distributions) > 0) {
			t.Errorf("%s: supported is %t, tested on %v", family.Name, family.IsSupported(), family.Distributions)
		}
		for _, function := range []string{"install_packages", "remove_package"} {
			if !regexp.MustCompile(`(?m)^` + function + `\(\) \{$`).MatchString(family.Script()) {
				t.Errorf("%s: its script does not define %s", family.Name, function)
			}
		}
	}
}

func TestInstallCommand(t *testing.T) {
	t.Parallel()
	if got := osfamily.Of("rocky", "rhel").InstallCommand("iproute", "nftables"); got != "dnf install iproute nftables" {
		t.Errorf("the command is %q", got)
	}
	if got := osfamily.Of("rhel").InstallCommand() + (osfamily.Family{}).InstallCommand("nftables"); got != "" {
		t.Errorf("without packages, or without a package manager, the command is %q", got)
	}
}

// TestRequiresRPFilterOff verifies that the rule does not apply to Fedora, which the documentation does not mention.
func TestRequiresRPFilterOff(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{"rhel": true, "centos": true, "fedora": false, "debian": false, "sles": false} {
		if got := osfamily.Of(id).RequiresRPFilterOff(id); got != want {
			t.Errorf("%s: %t, want %t", id, got, want)
		}
	}
}
