package remote

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
)

// statusDamaged is the exit status of uploadScript when the content on the host is not the expected one. It is EX_DATAERR of
// sysexits.h.
const statusDamaged = 65

// Upload implements Host.
func (h *host) Upload(ctx context.Context, upload Upload) (bool, error) {
	upload.Owner = cmp.Or(upload.Owner, rootOwner)
	if err := checkPlace(upload.Path, upload.Mode, upload.Owner); err != nil {
		return false, err
	}
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(upload.SHA256) {
		return false, fmt.Errorf("cannot upload %s: %q is not a SHA-256 digest in hexadecimal", upload.Path, upload.SHA256)
	}
	found, err := h.look(ctx, upload)
	if err != nil || found.done {
		return false, err
	}
	err = h.send(ctx, upload, found)
	var failed *CommandError
	if errors.As(err, &failed) && failed.Status == statusDamaged && found.size > 0 {
		// The partial upload has changed since look read it. The host has removed it, so the second attempt sends all.
		err = h.send(ctx, upload, partial{})
	}
	return err == nil, err
}

// partial describes how much of an upload the host already has. The zero value is nothing.
type partial struct {
	done   bool   // the file is as desired
	size   int64  // bytes of the partial upload
	digest string // of these bytes, SHA-256 in hexadecimal
}

// look queries how much of an upload the host has.
func (h *host) look(ctx context.Context, upload Upload) (partial, error) {
	script, err := NewScript("look for "+upload.Path, Args{
		"path": upload.Path, "digest": upload.SHA256, "kind": rawMode(upload.Mode), "owner": upload.Owner, "partial": upload.partial(),
	}, lookScript)
	if err != nil {
		return partial{}, err
	}
	answer, err := h.Probe(ctx, script)
	if err != nil {
		return partial{}, err
	}
	if _, done := answer.Values["done"]; done {
		return partial{done: true}, nil
	}
	return parsePartial(answer.Text("partial"), upload.Size), nil
}

// parsePartial parses size and digest of a partial upload. Values that cannot be right count as nothing.
func parsePartial(text string, size int64) partial {
	var found partial
	if n, err := fmt.Sscanf(text, "%d %64s", &found.size, &found.digest); n != 2 || err != nil || found.size < 0 || found.size > size {
		return partial{}
	}
	return found
}

// send sends what the host does not have yet.
func (h *host) send(ctx context.Context, upload Upload, found partial) error {
	content, offset, err := upload.openAfter(found)
	if err != nil {
		return fmt.Errorf("cannot read the content of %s: %w", upload.Path, err)
	}
	defer content.Close()
	form := "plain"
	if upload.Gzip {
		form = "gzip"
	}
	script, err := NewScript("upload "+upload.Path, Args{
		"path": upload.Path, "digest": upload.SHA256, "mode": octal(upload.Mode), "owner": upload.Owner, "partial": upload.partial(),
		"offset": strconv.FormatInt(offset, 10), "size": strconv.FormatInt(upload.Size, 10), "form": form,
	}, lockScript, uploadScript)
	if err != nil {
		return err
	}
	// One byte more than Size is enough for the digest to differ. A source without end would never finish.
	script.Stdin = io.LimitReader(content, upload.Size-offset+1)
	_, err = h.Run(ctx, script)
	return err
}

// partial returns the path of the incomplete file on the host. It contains the digest, so that content of an older version
// is never taken for a part of this one.
func (u Upload) partial() string {
	return path.Join(path.Dir(u.Path), "."+path.Base(u.Path)+".dualstrap-"+u.SHA256[:16]+".part")
}

// openAfter opens the content behind the part that the host has, and returns the offset. If the host's part differs from the
// content, it opens the content at its beginning.
func (u Upload) openAfter(found partial) (io.ReadCloser, int64, error) {
	content, err := u.Open()
	if err != nil || found.size == 0 {
		return content, 0, err
	}
	// The part may be damaged, or stem from the same content compressed differently, so its digest decides.
	digest := sha256.New()
	if _, err := io.CopyN(digest, content, found.size); err == nil && hex.EncodeToString(digest.Sum(nil)) == found.digest {
		return content, found.size, nil
	}
	content.Close()
	content, err = u.Open()
	return content, 0, err
}
