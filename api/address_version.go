package api

import (
	"regexp"
	"strconv"
	"strings"
)

// kubeVersion is a Kubernetes version in the form of the manifests.
type kubeVersion struct {
	// minor is the Kubernetes minor, as in 1.36.
	minor string
	// patch is the number after the minor; -1 when it is missing.
	patch int
	// vendor is set for Google's form 1.36.100-gke.7, whose patch is not a patch of Kubernetes.
	vendor bool
}

// parseVersion parses 1.36, 1.36.3, v1.36.3 or 1.36.100-gke.7.
func parseVersion(s string) (kubeVersion, *fault) {
	form := regexp.MustCompile(`^v?(1\.(?:0|[1-9][0-9]{0,2}))(?:\.(0|[1-9][0-9]{0,4})(-gke\.[0-9]{1,5})?)?$`)
	parts := form.FindStringSubmatch(s)
	if parts == nil {
		return kubeVersion{}, faultf("write one of "+versionList(), "is not a version of Kubernetes")
	}
	v := kubeVersion{minor: parts[1], patch: -1, vendor: parts[3] != ""}
	if parts[2] != "" {
		v.patch, _ = strconv.Atoi(parts[2]) // at most five digits
	}
	return v, nil
}

// release returns the release that dualstrap builds of the version's minor.
func (v kubeVersion) release() (Release, bool) {
	for _, r := range Releases() {
		if r.minor() == v.minor {
			return r, true
		}
	}
	return Release{}, false
}

// String returns the version without a leading v.
func (v kubeVersion) String() string {
	if v.patch < 0 {
		return v.minor
	}
	return v.minor + "." + strconv.Itoa(v.patch)
}

// minor returns the release's minor, as in 1.36.
func (r Release) minor() string {
	s := strings.TrimPrefix(r.Kubernetes, "v")
	return s[:strings.LastIndexByte(s, '.')]
}

// versionList returns the known versions for hints.
func versionList() string {
	var names []string
	for _, r := range Releases() {
		names = append(names, strings.TrimPrefix(r.Kubernetes, "v"))
	}
	return strings.Join(names, ", ")
}
