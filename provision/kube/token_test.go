package kube

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// TestTokenLivesByTheServersClock uses an API server whose clock is years ahead.
func TestTokenLivesByTheServersClock(t *testing.T) {
	t.Parallel()
	var minted corev1.Secret
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if discovery(w, r) {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err == nil && r.URL.Query().Get("dryRun") == "" {
			_, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, &minted)
		}
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		const created = `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","creationTimestamp":"2031-05-04T03:00:00Z"}}`
		fmt.Fprint(w, created)
	})
	if err := client.Ready(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := client.MintToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := minted.StringData["expiration"]; got != "2031-05-04T03:30:00Z" {
		t.Errorf("it ends at %q", got)
	}
}
