package etcd

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

const (
	// pageSize is how many values one request reads. It is small because a value can be as large as maxValue.
	pageSize = 8
	// maxValue is the maximum size of a value, in bytes: etcd's default limit for a request, 1.5 MiB.
	maxValue = 3 << 19
	// maxKeys is the maximum number of keys in a listing, so that a member cannot make it endless. It is far above the
	// number of Secrets that a cluster supports.
	maxKeys = 1_000_000
)

// KeysWithout returns the keys below a path whose values do not begin with a prefix. The path must end with a slash.
// KeysWithout reads every value, page by page and without a common revision: of a value that is written meanwhile, it
// may see the old or the new state.
func (c *Client) KeysWithout(ctx context.Context, below, prefix string) ([]string, error) {
	// The range ends before the first key that follows all keys with the slash: "0" is the byte after "/".
	next, end := []byte(below), []byte(strings.TrimSuffix(below, "/")+"0")
	var keys []string
	for read := 0; read < maxKeys; {
		var page struct {
			Values []struct {
				Key   []byte `json:"key"`
				Value []byte `json:"value"`
			} `json:"kvs"`
			More bool `json:"more"`
		}
		request := map[string]any{"key": next, "range_end": end, "limit": pageSize} // JSON has the keys in base64
		if err := c.call(ctx, c.through+"/v3/kv/range", request, &page); err != nil {
			return nil, fmt.Errorf("cannot read how %s is stored in etcd: %w", below, err)
		}
		for _, stored := range page.Values {
			if !bytes.HasPrefix(stored.Value, []byte(prefix)) {
				keys = append(keys, string(stored.Key))
			}
			next = append(stored.Key, 0) // the smallest key after this one
		}
		if !page.More || len(page.Values) == 0 {
			return keys, nil
		}
		read += len(page.Values)
	}
	return nil, fmt.Errorf("cannot read how %s is stored in etcd: there are more than %d values", below, maxKeys)
}
