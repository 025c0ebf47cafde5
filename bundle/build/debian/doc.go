// Package debian extracts programs from packages of the distribution without installing them: apt resolves, downloads
// and verifies the packages, and dpkg-deb unpacks them into a private directory.
package debian
