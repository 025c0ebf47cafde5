package progress

import (
	"fmt"
	"slices"
	"time"
)

// left returns how long the running and the remaining steps of a group will still take, or zero if nothing in this run
// shows it.
//
// A step that has not begun takes the median of those that have ended and of those that run longer than any of them. If
// the median is one that still runs, as when most that have ended had nothing to do, there is no basis for an estimate. A
// running step takes the median of those that took longer than it runs by now. As many steps run at once as do now.
func (d *Display) left(g *group) time.Duration {
	var all, longest time.Duration
	running, slow := 0, 0
	for _, step := range d.running {
		if step.group != g {
			continue
		}
		running++
		elapsed := d.now().Sub(step.started)
		at, _ := slices.BinarySearch(g.took, elapsed+1)
		longer := g.took[at:]
		if len(longer) == 0 {
			slow++
			continue
		}
		rest := longer[len(longer)/2] - elapsed
		all, longest = all+rest, max(longest, rest)
	}
	waiting, median := g.of-g.skipped-g.ended-running, (len(g.took)+slow)/2
	if running == 0 || waiting > 0 && median >= len(g.took) {
		return 0
	}
	if waiting > 0 {
		all += time.Duration(waiting) * g.took[median]
	}
	return max(longest, all/time.Duration(running))
}

// about formats an estimate, rounded up to what it is worth: 10 s, or minutes from two on.
func about(d time.Duration) string {
	const fine, coarse = 10 * time.Second, time.Minute
	if d = (d + fine - 1).Truncate(fine); d < 2*coarse {
		return "about " + span(d) + " left"
	}
	return fmt.Sprintf("about %dm left", (d+coarse-1)/coarse)
}
