// Package preflight evaluates the checks of all hosts, and plans what create would change on those that pass, without changing
// anything.
package preflight
