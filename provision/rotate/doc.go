// Package rotate replaces what expires or has to be renewed in a running cluster: the key that Secrets are encrypted with.
package rotate
