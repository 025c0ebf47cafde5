// Command hello responds to HTTP requests, so that users and tests can see which pod they have reached:
//
//	/        Hello, world!, and the name of the pod
//	/client  the address that the request comes from
//	/fetch   the response of another server to a GET of ?url=; with -fetch only
//	/heard   the datagrams that have arrived at its port; with -hear only
//	/WORD    sends a datagram with any source address; with -forge=WORD only
//
// It listens on both families.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

// version is set by the linker.
var version = "dev"

const (
	headerTimeout = 5 * time.Second
	fetchTimeout  = 5 * time.Second
	// maxFetched is the number of bytes of another server's response that are returned.
	maxFetched = 4096
)

func main() {
	address := flag.String("address", ":8080", "where to listen")
	fetch := flag.Bool("fetch", false, "let callers make this server ask other servers")
	hear := flag.Bool("hear", false, "listen to datagrams, too, and tell callers of them")
	forge := flag.String("forge", "", "let callers who know this word send datagrams with any address")
	show := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *show {
		fmt.Fprintf(os.Stdout, "hello %s\n", version)
		return
	}
	mux := newHandler(*fetch)
	// The path is a secret word, so that only the test that started the pod can send forged datagrams.
	if *forge != "" {
		mux.HandleFunc("/"+*forge, forged)
	}
	if *hear {
		conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", *address)
		if err != nil {
			slog.Error("cannot hear", "error", err)
			os.Exit(1)
		}
		heard := &ear{}
		mux.Handle("/heard", heard)
		go heard.listen(conn)
	}
	server := &http.Server{Addr: *address, Handler: mux, ReadHeaderTimeout: headerTimeout}
	if err := server.ListenAndServe(); err != nil {
		slog.Error("cannot serve", "error", err)
		os.Exit(1)
	}
}

// newHandler returns the handler of the endpoints that need no privileges. fetch enables /fetch.
func newHandler(fetch bool) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", hello)
	mux.HandleFunc("/client", client)
	if fetch {
		mux.HandleFunc("/fetch", fetched)
	}
	return mux
}

// hello responds with the program's version and the pod's name, which is the host name in a pod.
func hello(w http.ResponseWriter, _ *http.Request) {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	fmt.Fprintf(w, "Hello, world!\nVersion: %s\nHostname: %s\n", version, name)
}

// client responds with the address of the client.
func client(w http.ResponseWriter, r *http.Request) {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	fmt.Fprintln(w, address)
}

// fetched sends a request to another server, each time over a new connection, so that every request is load-balanced.
func fetched(w http.ResponseWriter, r *http.Request) {
	asking := &http.Client{Timeout: fetchTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Query().Get("url"), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := asking.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(answer.Body, maxFetched)) // fails if the client has disconnected
}
