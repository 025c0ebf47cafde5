package hint_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dualstrap/dualstrap/internal/hint"
)

type hinted struct{ text string }

func (h hinted) Error() string { return "it does not answer" }
func (h hinted) Hint() string  { return h.text }

func TestOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"no error":  {nil, ""},
		"no hint":   {errors.New("x"), ""},
		"a hint":    {hinted{"start it"}, "start it"},
		"wrapped":   {fmt.Errorf("10.2.0.4: %w", hinted{"start it"}), "start it"},
		"joined":    {errors.Join(errors.New("x"), hinted{"start it"}), "start it"},
		"the first": {fmt.Errorf("%w and %w", hinted{"first"}, hinted{"second"}), "first"},
	} {
		if got := hint.Of(test.err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
