//go:build integration

package cmd_test

import (
	"context"
	"log"

	"github.com/dualstrap/dualstrap/lab"
)

// makeImage makes the image of the lab's hosts, as long as the tests are in the machine's own network:
// it comes from a distribution's packages.
func makeImage() error {
	l, err := lab.New(testLabName(), "", func(step string) { log.Print(step) })
	if err != nil {
		return err
	}
	_, err = l.Prepare(context.Background())
	return err
}
