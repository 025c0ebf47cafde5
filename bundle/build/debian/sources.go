package debian

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// target is a list of packages that apt has.
type target struct {
	// trusted says that apt takes what is in it without a question.
	trusted bool
	// repository is where its packages are, source the file and the number of the entry that names it.
	repository, source string
}

// checkSources refuses packages that come from a source that is trusted because the machine's configuration says so
// ([trusted=yes]), whoever has signed it, or from one that nobody has signed.
//
// apt itself tells which are which, so that all forms of configuration are read as it reads them: it trusts a list of
// packages that came with a signed index, or whose source is to be trusted. In a copy of its lists that has no signed
// index, only the latter are left.
func (a *apt) checkSources(ctx context.Context, uris []string) error {
	lists, err := a.listsDir(ctx)
	if err != nil {
		return err
	}
	unsigned := filepath.Join(a.scratch, "unsigned")
	if err := linkUnsigned(lists, unsigned); err != nil {
		return fmt.Errorf("cannot read apt's package lists: %w", err)
	}
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

func checkSource(uri string, asIs, withoutSignatures []target) error {
	from := sourcesOf(uri, asIs)
	if len(from) == 0 {
		return &Error{Reason: uri + " is of no source that apt lists", HintText: "run apt-get update as root"}
	}
	for _, source := range sourcesOf(uri, withoutSignatures) {
		if source.trusted {
			return &Error{
				Reason:   fmt.Sprintf("%s would be taken whoever has signed it, because its source %s is configured as trusted", uri, source.source),
				HintText: "remove trusted=yes from the source, or the source, and run apt-get update as root",
			}
		}
	}
	for _, source := range from {
		if !source.trusted {
			return &Error{
				Reason:   fmt.Sprintf("nobody has signed the source %s of %s", source.source, uri),
				HintText: "remove the source, and run apt-get update as root",
			}
		}
	}
	return nil
}

func sourcesOf(uri string, targets []target) []target {
	var found []target
	for _, target := range targets {
		if strings.HasPrefix(uri, target.repository) {
			found = append(found, target)
		}
	}
	return found
}

// listsDir asks apt where its lists are.
func (a *apt) listsDir(ctx context.Context) (string, error) {
	out, err := runApt(ctx, "apt-config", "shell", "LISTS", "Dir::State::lists/d")
	if err != nil {
		return "", err
	}
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(out), "LISTS="), "'"), nil
}

// linkUnsigned links all lists but the signed indexes into another directory.
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

// targets asks apt for the lists of packages in a directory.
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
