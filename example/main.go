// Command example is a small HTTP server to be traced: /foo answers at once, /bar logs first, and its logger is slow now and then.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"

	"example/internal/log"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "loopback `address` to listen on; port 0 takes a free one")
	flag.Parse()

	http.HandleFunc("/foo", handleFoo)
	http.HandleFunc("/bar", handleBar)

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("listening on %s, pid %d\n", listener.Addr(), os.Getpid())
	if err := http.Serve(listener, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func handleFoo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "foo")
}

func handleBar(w http.ResponseWriter, r *http.Request) {
	log.Debug("bar was asked for", r.RemoteAddr)
	fmt.Fprintln(w, "bar")
}
