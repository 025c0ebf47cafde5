package etcd

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

const (
	// pageSize is how many values are read at once.
	pageSize = 8
	// maxValue is etcd's limit of a request, in bytes, and so that of a value.
	maxValue = 3 << 19
	// maxKeys bounds a listing. A cluster is made for far fewer Secrets.
	maxKeys = 1_000_000
)

// KeysWithout lists the keys below a path whose values do not begin with a prefix. The path ends with a slash. Every value
// is read; a value that is written meanwhile may be seen as it was or as it is.
func (c *Client) KeysWithout(ctx context.Context, below, prefix string) ([]string, error) {
	next, end := []byte(below), []byte(strings.TrimSuffix(below, "/")+"0") // what comes after a slash
	var keys []string
	for read := 0; read < maxKeys; {
		var page struct {
			Values []struct {
				Key   []byte `json:"key"`
				Value []byte `json:"value"`
			} `json:"kvs"`
			More bool `json:"more"`
		}
		question := map[string]any{"key": next, "range_end": end, "limit": pageSize}
		if err := c.call(ctx, c.through+"/v3/kv/range", question, &page); err != nil {
			return nil, fmt.Errorf("cannot read how %s is stored in etcd: %w", below, err)
		}
		for _, stored := range page.Values {
			if !bytes.HasPrefix(stored.Value, []byte(prefix)) {
				keys = append(keys, string(stored.Key))
			}
			next = append(stored.Key, 0)
		}
		if !page.More || len(page.Values) == 0 {
			return keys, nil
		}
		read += len(page.Values)
	}
	return nil, fmt.Errorf("cannot read how %s is stored in etcd: there are more than %d values", below, maxKeys)
}
