// Package announce tells an L2 that an address is here: other machines may remember another place for
// it from when another node had its range. Machines that do not know the address learn nothing.
package announce
