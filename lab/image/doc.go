// Package image makes the file system of the lab's hosts out of the distribution's signed packages, and
// keeps it as a tar in the user's cache, named by what it is made of.
package image
