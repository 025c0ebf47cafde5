// Package tree writes rendered files to a directory on this machine: those of each host, and the manifests of the cluster. An
// index, index.json, lists them, and marks the directory as one that may be rewritten.
package tree
