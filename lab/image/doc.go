// Package image builds the file system of the lab's hosts from the distribution's signed packages. It keeps the image as a tar
// archive in the user's cache, under a name that contains the digest of its recipe.
package image
