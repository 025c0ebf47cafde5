package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
)

// get asks a server and gives status and body.
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
