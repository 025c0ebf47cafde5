package debian

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// target is a list of packages that apt has downloaded.
type target struct {
	// trusted is set if apt installs packages from the list without confirmation.
	trusted bool
	// repository is the URI of the packages. source is the configuration file and the number of the entry that names
	// it.
	repository, source string
}

// checkSources refuses packages from a source that is not signed, and from one that the configuration of the machine
// declares as trusted ([trusted=yes]): apt accepts those regardless of who has signed them.
//
// apt itself reports which sources are trusted, so that every form of configuration is read as apt reads it. It trusts
// a list of packages that came with a signed index, or whose source is declared as trusted. In a copy of its lists
// without signed indexes, only the latter remain trusted.
func (a *apt) checkSources(ctx context.Context, uris []string) error {
	lists, err := a.listsDir(ctx)
	if err != nil {
		return err
	}
	unsigned := filepath.Join(a.scratch, "unsigned")
	if err := linkUnsigned(lists, unsigned); err != nil {
		return fmt.Errorf("cannot read apt's package lists: %w", err)
	}
	// Comparing the two answers tells why a list is trusted.
	asIs, err := a.targets(ctx, lists)
	if err != nil {
		return err
	}
	withoutSignatures, err := a.targets(ctx, unsigned)
	if err != nil {
		return err
	}
	for _, uri := range uris {
		if err := checkSource(uri, asIs, withoutSignatures); err != nil {
			return err
		}
	}
	return nil
}

// checkSource checks the sources of one package. Every source that could provide it must be signed.
func checkSource(uri string, asIs, withoutSignatures []target) error {
	from := sourcesOf(uri, asIs)
	if len(from) == 0 {
		return &Error{Reason: uri + " does not come from a source that apt lists", HintText: "run apt-get update as root"}
	}
	for _, source := range sourcesOf(uri, withoutSignatures) {
		if source.trusted {
			return &Error{
				Reason: fmt.Sprintf("%s is accepted regardless of who has signed it, because its source %s is configured as trusted",
					uri, source.source),
				HintText: "remove trusted=yes from the source, or the source, and run apt-get update as root",
			}
		}
	}
	for _, source := range from {
		if !source.trusted {
			return &Error{
				Reason:   fmt.Sprintf("no one has signed the source %s of %s", source.source, uri),
				HintText: "remove the source, and run apt-get update as root",
			}
		}
	}
	return nil
}

// sourcesOf returns the targets whose repository contains a URI.
func sourcesOf(uri string, targets []target) []target {
	var found []target
	for _, target := range targets {
		if strings.HasPrefix(uri, target.repository) {
			found = append(found, target)
		}
	}
	return found
}

// listsDir returns the directory of apt's package lists.
func (a *apt) listsDir(ctx context.Context) (string, error) {
	out, err := runApt(ctx, "apt-config", "shell", "LISTS", "Dir::State::lists/d")
	if err != nil {
		return "", err
	}
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(out), "LISTS="), "'"), nil
}

// linkUnsigned links all lists except for the signed indexes into another directory.
func linkUnsigned(lists, to string) error {
	entries, err := os.ReadDir(lists)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || name == "lock" || strings.HasSuffix(name, "Release") || strings.HasSuffix(name, "Release.gpg") {
			continue
		}
		if err := os.Symlink(filepath.Join(lists, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

// targets returns the lists of packages in a directory, as apt reports them.
func (a *apt) targets(ctx context.Context, lists string) ([]target, error) {
	out, err := a.run(ctx, "-o", "Dir::State::lists="+lists+"/", "indextargets",
		"--format", "$(TRUSTED)\t$(CREATED_BY)\t$(REPO_URI)\t$(SOURCESENTRY)")
	if err != nil {
		return nil, err
	}
	var targets []target
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) == 4 && fields[1] == "Packages" && fields[2] != "" {
			targets = append(targets, target{trusted: fields[0] == "yes", repository: fields[2], source: fields[3]})
		}
	}
	return targets, nil
}
