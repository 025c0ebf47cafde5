// Package debian takes programs out of the distribution's packages without installing anything: apt
// resolves, downloads and verifies, dpkg-deb unpacks into a private directory.
package debian
