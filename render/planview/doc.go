// Package planview shows an address plan to people: as tables for a terminal and as a picture for
// a wall.
//
// The picture is made in three steps, each a pure function of the one before: [newAddressMap] sorts
// every address of the plan into places (an L2 domain, an island, a range in a range), [layOut]
// turns the places into nested boxes with coordinates, and picture.svg.tmpl writes the boxes as SVG.
// The boxes carry the promises the tests hold it to: nothing overlaps, nothing leaves its box, nothing
// is too small to read. Address spaces differ by factors of 2^100, so the picture is a schematic
// and never to scale.
//
// Its size does not grow with the number of nodes: up to a few dozen each node has a card, beyond
// that nodes of one pool are drawn as runs of squares.
package planview
