package kube

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/dualstrap/dualstrap/internal/certtest"
)

// serve returns a client of a TLS server on loopback, as an API server is one.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: server.Certificate().Raw})
	config := &rest.Config{Host: "https://127.0.0.1:1", TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
	return newClient(config, func(ctx context.Context) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
}

// endless sends a response until its reader closes the connection.
func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := []byte(strings.Repeat("a", 1<<20))
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// TestHostileAPIAnswers tries API servers whose responses are endless or malformed.
func TestHostileAPIAnswers(t *testing.T) {
	var asked []string
	for name, test := range map[string]struct {
		readyz, nodes http.HandlerFunc
		want          string
	}{
		"endless readyz":    {readyz: endless, want: "/readyz"},
		"endless nodes":     {nodes: endless, want: "/api/v1/nodes"},
		"pages without end": {nodes: listNodes(0, &asked), want: "longer than 200000 objects"},
		"no JSON":           {nodes: answers("<html>"), want: "invalid character '<'"},
		"half of it":        {nodes: answers(`{"kind":"NodeList","apiVersion":"v1","items":[{`), want: "unexpected end of JSON input"},
		"of another type":   {nodes: answers(`{"kind":"NodeList","apiVersion":"v1","items":[{"metadata":7}]}`), want: "cannot unmarshal number"},
		"nothing":           {nodes: answers(""), want: "0-length response"},
		"deep":              {nodes: answers(`{"kind":"NodeList","apiVersion":"v1","items":` + strings.Repeat("[", 20_000)), want: "max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/readyz" && test.readyz != nil:
					test.readyz(w, r)
				case !discovery(w, r):
					test.nodes(w, r)
				}
			})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := client.Ready(t.Context(), time.Minute)
			if err == nil {
				_, err = client.Nodes(t.Context())
			}
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			var answer *AnswerError
			if strings.HasPrefix(name, "endless") != errors.As(err, &answer) {
				t.Errorf("error %v", err)
			}
			// A buffer that grows by doubling allocates up to three times its size, and is copied once more.
			if allocated := after.TotalAlloc - before.TotalAlloc; name != "pages without end" && allocated > 8*maxAnswer {
				t.Errorf("%d MiB were allocated", allocated>>20)
			}
		})
	}
	if len(asked) != 5 {
		t.Errorf("it asked for %d pages", len(asked))
	}
}

// answers returns a handler that sends the same text in response to every request.
func answers(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, text)
	}
}

// TestProxyIsNotAsked checks that proxies of the workstation's environment are ignored: connections go over SSH.
func TestProxyIsNotAsked(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://192.0.2.1:1")
	t.Setenv("NO_PROXY", "")
	client := Connect(issueAdmin(t, certtest.New(t)), netip.MustParseAddrPort("10.2.0.175:443"), nil)
	for _, host := range []string{"10.2.0.175", "example.org"} {
		proxy, err := client.config.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: host}})
		if proxy != nil || err != nil {
			t.Errorf("for %s it is %v, %v", host, proxy, err)
		}
	}
}

// discovery answers the requests about the API's kinds that a client sends before it lists nodes. It reports whether
// the request was one.
func discovery(w http.ResponseWriter, r *http.Request) bool {
	answers := map[string]string{
		"/readyz": "ok",
		"/api":    `{"kind":"APIVersions","versions":["v1"]}`,
		"/apis":   `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
		"/api/v1": `{"kind":"APIResourceList","groupVersion":"v1","resources":[` +
			`{"name":"nodes","kind":"Node","namespaced":false,"verbs":["list"]},` +
			`{"name":"secrets","kind":"Secret","namespaced":true,"verbs":["create"]}]}`,
	}
	answer, known := answers[r.URL.Path]
	if known {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answer)
	}
	return known
}

// listNodes returns a handler for a list of nodes with the given number of pages of one node each, or without end if
// pages is 0.
func listNodes(pages int, asked *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if discovery(w, r) {
			return
		}
		query := r.URL.Query()
		*asked = append(*asked, query.Get("limit")+"/"+query.Get("continue"))
		next := fmt.Sprint(len(*asked))
		size := 1
		if pages == 0 {
			size = maxObjects / 4
		}
		if len(*asked) == pages {
			next = ""
		}
		nodes := strings.TrimSuffix(strings.Repeat(`{"metadata":{"name":"n`+next+`"}},`, size), ",")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"kind":"NodeList","apiVersion":"v1","metadata":{"continue":%q},"items":[%s]}`, next, nodes)
	}
}

func TestListsComeInPages(t *testing.T) {
	var asked []string
	client := serve(t, listNodes(3, &asked))
	if err := client.Ready(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	nodes, err := client.Nodes(t.Context())
	if err != nil || len(nodes) != 3 || nodes[0].Name != "n1" || nodes[2].Name != "n" {
		t.Errorf("they are %v, %v", nodes, err)
	}
	if got := strings.Join(asked, " "); got != "500/ 500/1 500/2" {
		t.Errorf("it asked for %s", got)
	}
}
