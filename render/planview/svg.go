package planview

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/dualstrap/dualstrap/api"
)

//go:embed picture.svg.tmpl
var document string

// SVG draws the plan as one picture that stands alone: no scripts, no fonts or files of others.
// The same plan gives the same bytes.
func SVG(w io.Writer, cfg *api.Config, plan *api.Plan) error {
	t, err := template.New("picture").Funcs(template.FuncMap{"xml": escape}).Parse(document)
	if err == nil {
		err = t.Execute(w, layOut(newAddressMap(cfg, plan)))
	}
	if err != nil {
		return fmt.Errorf("cannot write the picture of the plan: %w", err)
	}
	return nil
}

// escape writes what users have named as XML text; what XML cannot hold becomes U+FFFD.
func escape(text string) (string, error) {
	var out strings.Builder
	err := xml.EscapeText(&out, []byte(text))
	return out.String(), err
}
