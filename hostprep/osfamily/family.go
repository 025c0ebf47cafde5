package osfamily

import (
	"maps"
	"slices"
	"strings"
)

// Family is a group of distributions that have the same package manager and the same names of packages. The zero Family
// stands for a distribution that dualstrap does not know.
type Family struct {
	// Name identifies the family in the table and in tests.
	Name string
	// Manager is the program that installs packages.
	Manager string
	// Distributions and Releases describe, for texts, the distributions that dualstrap is tested on and the oldest
	// supported releases. Both are empty for a family that dualstrap recognizes, but does not support.
	Distributions, Releases []string
	// KernelModules is the package with those modules of the running kernel that its minimal packages lack. It may
	// contain an expansion of the shell.
	KernelModules string

	// ids are the values of ID and ID_LIKE in os-release that identify the family.
	ids []string
	// restrictedIDs are those of ids for which the documentation of Google Distributed Cloud requires IPv6_rpfilter=no
	// in firewalld.conf when SELinux is enabled.
	restrictedIDs []string
	// packages names the packages of programs, by program.
	packages map[string]string
	// script defines the functions of [Family.Script].
	script string
}

// IsSupported reports whether dualstrap is tested on the family and installs packages there.
func (f Family) IsSupported() bool { return len(f.Releases) > 0 }

// Package returns the name of the package that contains a program; "" if it is not known.
func (f Family) Package(program string) string { return f.packages[program] }

// InstallCommand returns the command with which a user installs packages; "" if it is not known.
func (f Family) InstallCommand(packages ...string) string {
	if f.Manager == "" || len(packages) == 0 {
		return ""
	}
	return f.Manager + " install " + strings.Join(packages, " ")
}

// RequiresRPFilterOff reports whether the documentation requires IPv6_rpfilter=no in firewalld.conf, if SELinux is
// enabled, on a distribution of the family with these values of ID and ID_LIKE.
func (f Family) RequiresRPFilterOff(ids ...string) bool {
	return slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(f.restrictedIDs, id) })
}

// Script returns the beginning of a script that installs or removes packages. It defines these functions for the sh of
// a host, each of which fails if it cannot do so, and for a family that is not supported:
//
//	install_packages PACKAGE...
//	remove_package PACKAGE, unless another package needs it
func (f Family) Script() string {
	if f.script == "" {
		return noneScript
	}
	return f.script
}

// Of returns the family of the distribution with these values of ID and ID_LIKE in os-release, or the zero Family. The
// first value that is known decides.
func Of(ids ...string) Family {
	for _, id := range ids {
		for _, family := range All() {
			if slices.Contains(family.ids, id) {
				return family
			}
		}
	}
	return Family{}
}

// OfManager returns the family whose package manager a host has, given the programs that it has: its own family, else
// the first of the table. A host may have the package manager of another family as well. If it has none of them, the
// result is its own family.
func OfManager(own Family, programs map[string]bool) Family {
	if programs[own.Manager] {
		return own
	}
	for _, family := range All() {
		if programs[family.Manager] {
			return family
		}
	}
	return own
}

// Supported returns the families that are supported.
func Supported() []Family {
	return slices.DeleteFunc(All(), func(f Family) bool { return !f.IsSupported() })
}

// Programs returns all programs of the table, sorted: package managers, and programs whose packages are known.
func Programs() []string {
	programs := map[string]bool{}
	for _, family := range All() {
		programs[family.Manager] = true
		for program := range family.packages {
			programs[program] = true
		}
	}
	return slices.Sorted(maps.Keys(programs))
}
