package proof_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// sabotage breaks a network in one place.
type sabotage struct {
	name   string
	change func(*prooftest.Network)
	// found are the results that do not pass, in the form of expectFindings. All others pass.
	found string
}

// expectFound proves a network after each sabotage.
func expectFound(t *testing.T, table []sabotage) {
	t.Helper()
	for _, tt := range table {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				tt.change(n)
				report := prove(t, n)
				expectResults(t, report, allResults())
				expectFindings(t, report, tt.found)
			})
		})
	}
}

// wrapPods returns a sabotage of the servers in the pods of 10.2.0.5.
func wrapPods(wrap func(http.Handler) http.Handler) func(*prooftest.Network) {
	return func(n *prooftest.Network) { n.Nodes[1].Wrap = wrap }
}

// answerWith returns a wrapper that answers calls from others with a fixed text.
func answerWith(status int, body string) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
}

// breakOff is a wrapper that sends the first bytes of each answer.
func breakOff(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		next.ServeHTTP(whole, r)
		body := whole.Body.Bytes()
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body[:len(body)/2]) //nolint:errcheck // the caller has gone
	})
}

// showAs returns a wrapper after which every caller has the same address.
func showAs(address string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RemoteAddr = address + ":40000"
			next.ServeHTTP(w, r)
		})
	}
}
