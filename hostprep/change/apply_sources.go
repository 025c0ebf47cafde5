package change

import (
	"errors"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// openAll opens and closes every source that will be sent. Opening verifies a source's digest, so a damaged
// source stops the run before a single byte is sent or anything is changed on the host.
func (w *batch) openAll() error {
	var sources []func() (io.ReadCloser, error)
	for _, executable := range w.executables {
		sources = append(sources, executable.Open)
	}
	for _, image := range w.images {
		sources = append(sources, image.Open)
	}
	// All sources are tried even after an error, so that the user sees everything that needs repair at once.
	errs := make([]error, len(sources))
	var opening errgroup.Group
	opening.SetLimit(runtime.GOMAXPROCS(0))
	for i, open := range sources {
		opening.Go(func() error {
			content, err := open()
			if err == nil {
				err = content.Close()
			}
			errs[i] = err
			return nil
		})
	}
	return errors.Join(opening.Wait(), errors.Join(errs...))
}
