package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// get sends a request and returns status and body.
func get(t *testing.T, handler http.Handler, path string) (int, string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.RemoteAddr = "[fd12::1:11a]:4711"
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Code, recorder.Body.String()
}

func TestHello(t *testing.T) {
	t.Parallel()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, newHandler(false), "/"); code != http.StatusOK || body != "Hello, world!\nVersion: dev\nHostname: "+name+"\n" {
		t.Errorf("%d %q", code, body)
	}
	if code, body := get(t, newHandler(false), "/client"); code != http.StatusOK || body != "fd12::1:11a\n" {
		t.Errorf("%d %q", code, body)
	}
}

// TestForge sends datagrams to itself over raw sockets, with loopback addresses.
func TestForge(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	heard := &ear{}
	go heard.listen(conn)
	port := conn.LocalAddr().(*net.UDPAddr).Port // the network is UDP
	forge := http.HandlerFunc(forged)
	for i, addresses := range []string{"127.0.0.9 127.0.0.1", "::1 ::1"} {
		from, to, _ := strings.Cut(addresses, " ")
		target := net.JoinHostPort(to, strconv.Itoa(port))
		query := url.Values{"from": {from}, "to": {target}, "text": {"odd" + strconv.Itoa(i) + strings.Repeat("x", i)}}
		if code, body := get(t, forge, "/word?"+query.Encode()); code != http.StatusOK {
			if os.Geteuid() != 0 && code == http.StatusBadGateway && strings.Contains(body, "operation not permitted") {
				return // without raw sockets, the error says so
			}
			t.Fatalf("%d %q", code, body)
		}
	}
	const want = "\"odd0\" 127.0.0.9\n\"odd1x\" ::1\n"
	for _, body := get(t, heard, "/heard?about=odd"); body != want; _, body = get(t, heard, "/heard?about=odd") {
		if t.Context().Err() != nil || len(body) > len(want) {
			t.Fatalf("heard %q, want %q", body, want)
		}
		runtime.Gosched()
	}
	if _, body := get(t, heard, "/heard?about=even"); body != "" {
		t.Errorf("heard %q", body)
	}
	for _, query := range []string{"", "from=a&to=127.0.0.1:1", "from=::1&to=127.0.0.1:1", "from=127.0.0.1&to=127.0.0.1"} {
		if code, _ := get(t, forge, "/word?"+query); code != http.StatusBadRequest {
			t.Errorf("%q: %d", query, code)
		}
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(newHandler(false))
	defer other.Close()
	ask := func(target string) string { return "/fetch?url=" + url.QueryEscape(target) }
	if code, body := get(t, newHandler(true), ask(other.URL+"/client")); code != http.StatusOK || body != "127.0.0.1\n" {
		t.Errorf("%d %q", code, body)
	}
	if code, body := get(t, newHandler(false), ask(other.URL+"/client")); !strings.HasPrefix(body, "Hello") {
		t.Errorf("it fetches without being told to: %d %q", code, body)
	}
	code, body := get(t, newHandler(true), ask("http://127.0.0.1:1/"))
	if code != http.StatusBadGateway || !strings.Contains(body, "refused") {
		t.Errorf("%d %q", code, body)
	}
	if code, _ := get(t, newHandler(true), ask("://")); code != http.StatusBadRequest {
		t.Errorf("%d", code)
	}
}
