package change

import (
	"errors"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// openAll opens everything that is to be sent and closes it again. What opens it verifies it first, so the host
// is not touched, and gets not one byte, unless all that it is to get is sound.
func (w *batch) openAll() error {
	var sources []func() (io.ReadCloser, error)
	for _, executable := range w.executables {
		sources = append(sources, executable.Open)
	}
	for _, image := range w.images {
		sources = append(sources, image.Open)
	}
	// All of them are tried: someone who has to mend a source wants to know of all that is wrong with it.
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
