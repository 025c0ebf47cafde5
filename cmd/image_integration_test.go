//go:build integration

package cmd_test

import (
	"context"
	"log"

	"github.com/dualstrap/dualstrap/lab"
)

// makeImage builds the image of the lab's hosts from a distribution's packages, before the tests enter a network namespace
// without access to the distribution's servers.
func makeImage() error {
	l, err := lab.New(testLabName(), "", func(step string) { log.Print(step) })
	if err != nil {
		return err
	}
	_, err = l.Prepare(context.Background())
	return err
}
