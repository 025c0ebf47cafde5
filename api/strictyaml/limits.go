package strictyaml

// Limits bound the cost of a file. A field that is 0 or negative takes the value of [DefaultLimits].
type Limits struct {
	// Bytes is the maximum size of a file.
	Bytes int
	// Values is the approximate maximum number of keys, list items and other values in a file. It is estimated from
	// punctuation before anything is parsed. A parsed value takes some 200 bytes.
	Values int
	// Scalar is the maximum size of a single value in bytes.
	Scalar int
	// Documents is the maximum number of documents in a file.
	Documents int
	// Depth is the maximum nesting depth.
	Depth int
	// Expansion is the maximum number of values that aliases may add to a document.
	Expansion int
	// Problems is the maximum number of problems that are kept per document; further ones are only counted.
	Problems int
}

// DefaultLimits returns limits that leave room for a pool of 300,000 nodes, or one document for each of 100,000
// nodes.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 20, Values: 1_000_000, Scalar: 64 << 20, Documents: 100_000, Depth: 100, Expansion: 100_000, Problems: 100}
}

// orDefaults returns the limits with defaults in place of unset fields.
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
