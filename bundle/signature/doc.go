// Package signature signs a bundle's manifest and verifies the signer. It uses the formats of ssh-keygen -Y: a detached
// signature by an SSH key, and a file of allowed signers as described in ssh-keygen(1).
package signature
