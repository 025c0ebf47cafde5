// Package encryption knows the file with the keys that API servers encrypt Secrets with, and how far control plane nodes
// are on the way from one key to the next. It does no I/O.
//
// A key takes another's place in three steps. Each ends when every API server has loaded the file of the step, because
// until then some write what others have to read:
//
//	old       every API server encrypts with the old key
//	old, new  all can decrypt what the new one encrypts
//	new, old  all encrypt with the new one; now all Secrets are written again
//	new       nobody can decrypt what the old one encrypted
//
// Names of keys are numbered, so that the files alone tell how far a rotation has come, whenever it was interrupted.
package encryption
