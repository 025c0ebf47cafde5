// Package signature signs a bundle's manifest and verifies who has, in the format of ssh-keygen -Y: a detached
// signature by an SSH key, and a file of allowed signers as ssh-keygen(1) describes it.
package signature
