// Package encryption reads and writes the EncryptionConfiguration with the keys that API servers encrypt Secrets with,
// and determines the stage of a key rotation from the files of all control plane nodes. It does no I/O.
//
// A rotation replaces a key in three steps. A step ends when every API server has loaded the file of that step, because
// until then some API servers write Secrets that others must be able to read:
//
//	old       every API server encrypts with the old key
//	old, new  every API server can decrypt what the new key encrypts
//	new, old  every API server encrypts with the new key; all Secrets are now written again
//	new       no API server can decrypt what the old key encrypted
//
// Key names are numbered, so the files alone show the stage of a rotation, wherever it was interrupted.
package encryption
