// Package engine drives a container engine, podman or docker, through its command line. Functions without side effects build
// the arguments; the run method executes them.
package engine
