// Package osfamily holds what dualstrap knows about families of Linux distributions: how to recognize them, which
// releases are supported, and how programs are installed there. All of it is in the table of [All] and in the scripts
// that it names, so that every other package agrees about a family.
package osfamily
