// Package templates holds the text of every file that package render fills in: host/* goes on
// hosts, cluster/* goes into the cluster.
package templates

import "embed"

// FS is the templates, each under its path below this directory, as in host/haproxy.cfg.tmpl.
//
//go:embed host/* cluster/*
var FS embed.FS
