package remote

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// rootOwner is the default owner of files.
const rootOwner = "root:root"

// WriteFiles implements Host. It sends everything with one script, since round trips dominate the time.
func (h *host) WriteFiles(ctx context.Context, files []File) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	manifest, contents, err := pack(files)
	if err != nil {
		return nil, err
	}
	name := "write " + files[0].Path
	if len(files) > 1 {
		name = fmt.Sprintf("write %d files", len(files))
	}
	script, err := NewScript(name, Args{"manifest": manifest}, lockScript, writeScript)
	if err != nil {
		return nil, err
	}
	script.Stdin = contents
	answer, err := h.Run(ctx, script)
	if err != nil {
		return nil, err
	}
	if changed := answer.Text("changed"); changed != "" {
		return strings.Split(changed, "\n"), nil
	}
	return nil, nil
}

// pack returns the manifest and the standard input of writeScript. Content is compressed at the fastest level.
func pack(files []File) (manifest string, contents *bytes.Buffer, err error) {
	contents = &bytes.Buffer{}
	compressed, _ := gzip.NewWriterLevel(contents, gzip.BestSpeed) // the error is for invalid levels only
	paths := map[string]bool{}
	lines := make([]string, len(files))
	offset := 0
	for i, file := range files {
		owner := cmp.Or(file.Owner, rootOwner)
		if err := checkPlace(file.Path, file.Mode, owner); err != nil {
			return "", nil, err
		}
		// A path that is listed twice would have two desired contents.
		if paths[file.Path] {
			return "", nil, fmt.Errorf("cannot write %s: it is given twice", file.Path)
		}
		paths[file.Path] = true
		lines[i] = fmt.Sprintf("%x %s %s %s %d %d %s",
			sha256.Sum256(file.Content), rawMode(file.Mode), octal(file.Mode), owner, offset, len(file.Content), file.Path)
		offset += len(file.Content)
		if _, err := compressed.Write(file.Content); err != nil {
			return "", nil, err
		}
	}
	return Lines(lines...), contents, compressed.Close()
}

// checkPlace rejects paths, modes and owners that the scripts would misinterpret. Tools such as sha256sum escape paths with a
// backslash or a newline, and the manifest is parsed line by line.
func checkPlace(file string, mode fs.FileMode, owner string) error {
	unsafe := func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }
	switch {
	case !path.IsAbs(file) || path.Clean(file) != file || file == "/":
		return fmt.Errorf("cannot write %q: it is not the absolute path of a file", file)
	case strings.ContainsFunc(file, unsafe) || strings.HasSuffix(file, " "):
		return fmt.Errorf("cannot write %q: its path has a character that cannot be seen, or a backslash", file)
	case mode&^fs.ModePerm != 0:
		return fmt.Errorf("cannot write %s with mode %s: only permission bits can be set", file, mode)
	case !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$`).MatchString(owner):
		return fmt.Errorf("cannot write %s: its owner %q does not have the form USER:GROUP", file, owner)
	}
	return nil
}

// octal formats permission bits for chmod.
func octal(mode fs.FileMode) string { return fmt.Sprintf("%04o", mode) }

// rawMode returns st_mode of a plain file in hexadecimal, as stat %f prints it. One comparison then checks both the
// permissions and that the path is not a link or a device.
func rawMode(mode fs.FileMode) string { return fmt.Sprintf("%x", 0o100000|uint32(mode)) }
