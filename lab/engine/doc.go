// Package engine drives a container engine, podman or docker, through its command line: what to run is
// decided by functions that only build arguments, and one method runs it.
package engine
