package strictyaml

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// aFraction describes a YAML float. It is compared, so it is defined once.
const aFraction = "a number with a fraction or exponent"

// describe returns the type of a value, never the value.
func describe(n *yaml.Node) string {
	n = target(n)
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "null"
	case "!!bool":
		return "true or false"
	case "!!int":
		return "a whole number"
	case "!!float":
		return aFraction
	default:
		return "text"
	}
}

// mismatch reports a value of another type than expected.
func (d *decoder) mismatch(n *yaml.Node, t reflect.Type) {
	expected, got := expectation(t), describe(n)
	d.add(RuleType, "expected "+expected+", got "+got, mismatchHint(n, expected, got))
}

// mismatchHint returns how to write the value, where its type suggests what the author meant.
func mismatchHint(n *yaml.Node, expected, got string) string {
	quoted := isQuoted(n)
	switch {
	case expected == "a list" && got == "a mapping":
		return `each item begins with "- "`
	case expected == "a list":
		return `write each item on a line of its own, after "- "`
	case expected == "a mapping" && got == "text" && !quoted:
		return "is a colon missing, or the space after one?"
	case expected == "text":
		return textHint(n)
	case expected == "true or false" && isOldBool(n):
		return "write true or false"
	case quoted && isWrittenAs(n.Value, expected):
		return "remove the quotes"
	}
	return ""
}

// isQuoted reports whether a value is in quotes, and so is text whatever it looks like.
func isQuoted(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
}

// textHint returns how to turn another value into text.
func textHint(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.ScalarNode:
		return "put it in quotes"
	case n.Kind == yaml.MappingNode && endsInColon(n):
		return `an address that ends with "::" is to be in quotes`
	}
	return ""
}

// endsInColon reports whether a mapping is really an address such as "fd12::", which YAML parses as a key.
func endsInColon(n *yaml.Node) bool {
	return len(n.Content) == 2 && isTextKey(n.Content[0]) && strings.HasSuffix(n.Content[0].Value, ":")
}

// isOldBool reports whether a value is one of the words that YAML 1.1 reads as booleans.
func isOldBool(n *yaml.Node) bool {
	switch strings.ToLower(n.Value) {
	case "yes", "no", "on", "off", "y", "n":
		return n.Kind == yaml.ScalarNode
	}
	return false
}

// isWrittenAs reports whether a text would have the expected type without its quotes.
func isWrittenAs(text, expected string) bool {
	switch expected {
	case "true or false":
		return text == "true" || text == "false"
	case "a whole number":
		_, err := strconv.ParseInt(text, 10, 64)
		return err == nil
	}
	return false
}

// scalar decodes a value according to its target type, never its appearance: 1.30 is a text, a version or a
// mistake, depending on the field.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, f field) {
	var read func(*yaml.Node, reflect.Value)
	switch v.Kind() {
	case reflect.String:
		read = func(n *yaml.Node, v reflect.Value) { d.text(n, v, f) }
	case reflect.Bool:
		read = d.bool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		read = d.int
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		read = d.uint
	case reflect.Float32, reflect.Float64:
		read = d.float
	default:
		d.misuse = fmt.Errorf("cannot decode into %s: %w", v.Type(), errUnsupportedType)
		return
	}
	if n.Kind != yaml.ScalarNode {
		d.mismatch(n, v.Type())
		return
	}
	read(n, v)
}

// text decodes a string. A bare number is allowed only in a field with the tag `strict:"scalar"`.
func (d *decoder) text(n *yaml.Node, v reflect.Value, f field) {
	got := describe(n)
	isNumber := got == "a whole number" || got == aFraction
	if got != "text" && (!f.scalar || !isNumber) {
		d.mismatch(n, v.Type())
		return
	}
	v.SetString(n.Value)
}

func (d *decoder) bool(n *yaml.Node, v reflect.Value) {
	if n.ShortTag() != "!!bool" {
		d.mismatch(n, v.Type())
		return
	}
	v.SetBool(strings.EqualFold(n.Value, "true"))
}

func (d *decoder) int(n *yaml.Node, v reflect.Value) {
	if !d.isDecimal(n, v) {
		return
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil || v.OverflowInt(i) {
		bits := v.Type().Bits()
		// The shift leaves the bounds of a type with fewer bits.
		low, high := int64(math.MinInt64)>>(64-bits), int64(math.MaxInt64)>>(64-bits)
		d.add(RuleType, fmt.Sprintf("expected a whole number from %d to %d", low, high), "")
		return
	}
	v.SetInt(i)
}

func (d *decoder) uint(n *yaml.Node, v reflect.Value) {
	if !d.isDecimal(n, v) {
		return
	}
	i, err := strconv.ParseUint(strings.TrimPrefix(n.Value, "+"), 10, 64)
	if err != nil || v.OverflowUint(i) {
		high := uint64(math.MaxUint64) >> (64 - v.Type().Bits())
		d.add(RuleType, fmt.Sprintf("expected a whole number from 0 to %d", high), "")
		return
	}
	v.SetUint(i)
}

// isDecimal reports whether a value is a decimal integer. It refuses notations that YAML 1.1 and 1.2 read
// differently (010 is 8 or 10), and 0x1F and 1_000.
func (d *decoder) isDecimal(n *yaml.Node, v reflect.Value) bool {
	digits := strings.TrimLeft(n.Value, "+-")
	onlyDigits := strings.Trim(digits, "0123456789") == ""
	tag := n.ShortTag()
	// The parser returns !!float for an integer that is too large for 64 bits.
	if tag != "!!int" && (tag != "!!float" || !onlyDigits) || isQuoted(n) {
		d.mismatch(n, v.Type())
		return false
	}
	if !onlyDigits || len(digits) > 1 && digits[0] == '0' {
		d.add(RuleType, "expected a whole number in decimal digits, without leading zeros", "")
		return false
	}
	return true
}

func (d *decoder) float(n *yaml.Node, v reflect.Value) {
	f, err := strconv.ParseFloat(n.Value, v.Type().Bits())
	if tag := n.ShortTag(); tag != "!!float" && tag != "!!int" || err != nil {
		d.mismatch(n, v.Type())
		return
	}
	v.SetFloat(f)
}

// unmarshal decodes a value through the type's own JSON decoding. It does not show the type's error, which may
// quote the value.
func (d *decoder) unmarshal(n *yaml.Node, v reflect.Value) {
	var generic any
	err := n.Decode(&generic)
	if err == nil {
		var data []byte
		if data, err = json.Marshal(generic); err == nil {
			err = json.Unmarshal(data, v.Addr().Interface())
		}
	}
	if err != nil {
		v.SetZero()
		d.add(RuleType, "the value is not in the form that this field has", "")
	}
}
