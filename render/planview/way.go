package planview

import (
	"fmt"

	"github.com/dualstrap/dualstrap/api"
)

// noteHeight is how far pods and the rest of the world are apart in the picture.
const noteHeight = 62

// trafficNote is how packets get from pods to the L2 and back. It is the one difference between the modes,
// so both are drawn the same way.
type trafficNote struct {
	out, outNote string
	in, inNote   string
	closed       bool // nothing gets in
	podsAbove    bool
}

// islandNote is the way of pods behind NAT.
func islandNote() trafficNote {
	return trafficNote{
		out: "out, as the node", outNote: "NAT to the node's own address",
		in: "no way in", inNote: "the L2 knows no pod addresses", closed: true,
	}
}

// flatNote is the way of pods on the L2. Nodes answer for their pods in the family's own protocol.
func flatNote(family api.Family, podsAbove bool) trafficNote {
	protocol := "NDP"
	if family == api.IPv4 {
		protocol = "ARP"
	}
	return trafficNote{
		out: "out, as the pod", outNote: "no NAT",
		in: "in, directly", inNote: "nodes answer " + protocol + " for pods", podsAbove: podsAbove,
	}
}

// trafficNote draws two arrows between pods and the rest of the L2.
func (l *layout) trafficNote(width int, w trafficNote) *box {
	b := &box{w: width, h: noteHeight}
	half := width / 2
	arrow := func(x int, look, path, strong, note string) *box {
		return &box{
			x: x, w: half - gap, h: noteHeight,
			kids: []*box{{x: laneLabel, w: 28, h: noteHeight, look: look, stroke: path}},
			lines: []line{
				{x: laneLabel + 40, y: 28, font: l.f.strong, align: alignLeft, text: l.f.strong.fit(strong, half-laneLabel-50)},
				{x: laneLabel + 40, y: 46, font: l.f.small, align: alignLeft, text: l.f.small.fit(note, half-laneLabel-50)},
			},
		}
	}
	in, look := arrowPath(!w.podsAbove), "way"
	if w.closed {
		in, look = "M14 8V36M1 40H27", "way closed"
	}
	b.kids = []*box{
		arrow(0, "way", arrowPath(w.podsAbove), w.out, w.outNote),
		arrow(half, look, in, w.in, w.inNote),
	}
	return b
}

// arrowPath is an arrow that fills the height of a way.
func arrowPath(down bool) string {
	const head, tail = 8, noteHeight - 8
	if down {
		return fmt.Sprintf("M14 %dV%dM5 %dL14 %dL23 %d", head, tail, tail-10, tail, tail-10)
	}
	return fmt.Sprintf("M14 %dV%dM5 %dL14 %dL23 %d", tail, head, head+10, head, head+10)
}
