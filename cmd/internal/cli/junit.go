package cli

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/dualstrap/dualstrap/internal/visible"
	"github.com/dualstrap/dualstrap/provision/proof"
)

// The elements and attributes of JUnit's XML format that continuous integration systems read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class string `xml:"classname,attr"`
		Name  string `xml:"name,attr"`
		// Seconds is a decimal number with three digits after the point.
		Seconds string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
		// Out is the finding of a check that passed.
		Out string `xml:"system-out,omitempty"`
	}
	// junitMessage is the reason why a test failed or was skipped, with a hint as its text.
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes a proof as JUnit XML: one test suite of the given name, with a test case for each result. The class of
// a test case is the name of its check, so that reports group the results of a check.
func WriteJUnit(w io.Writer, name string, report proof.Report) error {
	suite := junitSuite{
		Name: name, Tests: len(report.Checks), Failures: report.Count(proof.Failed), Skipped: report.Count(proof.Skipped),
	}
	for _, result := range report.Checks {
		one := junitCase{Class: result.Name, Name: result.Name + " " + result.Target, Seconds: fmt.Sprintf("%.3f", result.Seconds)}
		switch result.Status {
		case proof.Failed:
			one.Failure = &junitMessage{Message: result.Message, Text: "try: " + result.Hint}
		case proof.Skipped:
			one.Skipped = &junitMessage{Message: result.Message, Text: result.Hint}
		case proof.Passed:
			one.Out = result.Message
		}
		suite.Cases = append(suite.Cases, one)
	}
	text, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, visible.XML(text))
	return err
}
