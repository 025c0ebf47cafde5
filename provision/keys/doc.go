// Package keys handles the files with the keys that API servers encrypt Secrets with: it reads them from control plane nodes,
// distributes the key of a new cluster, and rotates that of an existing one. What a file holds, and which stage of a rotation
// a set of files shows, is package encryption's.
//
// Each control plane node has the same file, and nothing else has it. A new key comes from the random numbers of one of the
// nodes, and reaches the others through the memory of this process.
package keys
