// Package announce announces on an L2 that an address is at this machine: other machines may have cached another
// location, from when another node had the address's range. Machines that have not cached the address ignore
// announcements.
package announce
