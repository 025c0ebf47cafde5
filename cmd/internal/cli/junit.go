package cli

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/dualstrap/dualstrap/internal/visible"
	"github.com/dualstrap/dualstrap/provision/proof"
)

// The elements of JUnit's XML that continuous integration reads.
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
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Seconds string      `xml:"time,attr"`
		Failure *junitWords `xml:"failure"`
		Skipped *junitWords `xml:"skipped"`
		Out     string      `xml:"system-out,omitempty"`
	}
	junitWords struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit prints a proof as JUnit's XML: a test case for each result, in a suite of the given name.
func WriteJUnit(w io.Writer, name string, report proof.Report) error {
	suite := junitSuite{
		Name: name, Tests: len(report.Checks), Failures: report.Count(proof.Failed), Skipped: report.Count(proof.Skipped),
	}
	for _, result := range report.Checks {
		one := junitCase{Class: result.Name, Name: result.Name + " " + result.Target, Seconds: fmt.Sprintf("%.3f", result.Seconds)}
		switch result.Status {
		case proof.Failed:
			one.Failure = &junitWords{Message: result.Message, Text: "try: " + result.Hint}
		case proof.Skipped:
			one.Skipped = &junitWords{Message: result.Message, Text: result.Hint}
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
