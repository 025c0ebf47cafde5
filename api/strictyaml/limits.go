package strictyaml

// Limits bound what a file may cost. A field that is 0 takes the value of [DefaultLimits].
type Limits struct {
	// Bytes is the size of a file.
	Bytes int
	// Values is how many keys, list items and other values a file may hold, about: it is counted
	// by their punctuation before anything is parsed. A parsed value takes some 200 bytes.
	Values int
	// Scalar is how many bytes a single value may have.
	Scalar int
	// Documents is how many documents a file may hold.
	Documents int
	// Depth is how deep values may be nested.
	Depth int
	// Expansion is how many values aliases may add to a document.
	Expansion int
	// Problems is how many problems of one document are kept; the others are counted.
	Problems int
}

// DefaultLimits leave room for a pool of 300,000 nodes, or a document for each of 100,000.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 20, Values: 1_000_000, Scalar: 64 << 20, Documents: 100_000, Depth: 100, Expansion: 100_000, Problems: 100}
}

func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		got  *int
		want int
	}{
		{&l.Bytes, d.Bytes},
		{&l.Values, d.Values},
		{&l.Scalar, d.Scalar},
		{&l.Documents, d.Documents},
		{&l.Depth, d.Depth},
		{&l.Expansion, d.Expansion},
		{&l.Problems, d.Problems},
	} {
		if *f.got <= 0 {
			*f.got = f.want
		}
	}
	return l
}
