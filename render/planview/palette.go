package planview

// hue is the colours of one pool of nodes. They follow the palette of Okabe and Ito, which people
// tell apart whatever their colour vision; numbers and labels say the same again.
type hue struct {
	strong string // badges and squares
	ink    string // text on strong
	edge   string // outlines
	// tints are backgrounds of cards; neighbours in a pool get different ones.
	tints [3]string
}

// hues are used in turn, pool by pool.
func hues() []hue {
	return []hue{
		{"#0b64a0", "#ffffff", "#0b64a0", [3]string{"#dcebf7", "#cbe1f3", "#b9d7ef"}},
		{"#e69f00", "#1c2733", "#a87400", [3]string{"#fdf0d3", "#fbe7bb", "#f9dda2"}},
		{"#007a5a", "#ffffff", "#007a5a", [3]string{"#d8f0e8", "#c5e8dc", "#b1dfd0"}},
		{"#cc79a7", "#1c2733", "#9b4b78", [3]string{"#f8e6f0", "#f3d7e6", "#eec8dc"}},
		{"#56b4e9", "#1c2733", "#2b7fae", [3]string{"#e3f3fc", "#d2ebfa", "#c0e3f7"}},
		{"#d55e00", "#000000", "#a84a00", [3]string{"#fbe3d3", "#f8d5be", "#f5c7a9"}},
		{"#6b6f76", "#ffffff", "#6b6f76", [3]string{"#ececee", "#e0e1e3", "#d4d5d8"}},
	}
}

// paint is the CSS of a box in the colours of a pool.
func paint(fill, edge string) string { return "fill:" + fill + ";stroke:" + edge }
