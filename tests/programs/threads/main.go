// Command threads has threads of C call Go, one after the other, one for each argument. Each calls main.outer, that main.inner, that itself
// 100 times and then C, by the last of its calls, which does what the argument says:
//
//	returns  returns
//	exits    ends the thread
//	jumps    jumps to where the thread began, which then calls Go twice more
//	goexit   not on a thread of C's: C calls Go back on a goroutine of its own, which ends by runtime.Goexit
//	moves    not on threads of C's either: goroutines call C, which calls back, between them changing threads
//	pause    does nothing for a while, and prints what time it is then, in nanoseconds since 1970
package main

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>
#include <setjmp.h>

enum { RETURNS, EXITS, JUMPS, GOEXIT };

extern void enter(int);
static __thread jmp_buf beginning;

static void *body(void *how) {
	if (setjmp(beginning)) {
		enter(RETURNS);
		enter(RETURNS);
	} else {
		enter((int)(long)how);
	}
	return 0;
}

static void thread(int how) {
	pthread_t thread;
	pthread_create(&thread, 0, body, (void *)(long)how);
	pthread_join(thread, 0);
}

static void call(int how) { enter(how); }

static void end(int how) {
	if (how == EXITS)
		pthread_exit(0);
	if (how == JUMPS)
		longjmp(beginning, 1);
}
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

var sink int

func main() {
	for _, what := range os.Args[1:] {
		switch what {
		case "returns":
			C.thread(C.RETURNS)
		case "exits":
			C.thread(C.EXITS)
		case "jumps":
			C.thread(C.JUMPS)
		case "goexit":
			goroutines(1, func() { C.call(C.GOEXIT) })
		case "moves":
			goroutines(4*runtime.GOMAXPROCS(0), moves)
		case "pause":
			time.Sleep(100 * time.Millisecond)
			fmt.Println(time.Now().UnixNano())
		}
	}
}

func goroutines(n int, body func()) {
	var all sync.WaitGroup
	for ; n > 0; n-- {
		all.Add(1)
		go func() {
			defer all.Done()
			body()
		}()
	}
	all.Wait()
}

//export enter
func enter(how C.int) {
	outer(how)
}

//go:noinline
func outer(how C.int) {
	inner(how, 100)
	sink++
}

//go:noinline
func inner(how C.int, n int) {
	switch {
	case n > 0:
		inner(how, n-1)
	case how == C.GOEXIT:
		runtime.Goexit()
	default:
		C.end(how)
	}
	sink++
}

//go:noinline
func moves() {
	for i := 0; i < 20; i++ {
		C.call(C.RETURNS)
		for busy := time.Now(); time.Since(busy) < time.Millisecond; {
			runtime.Gosched()
		}
	}
}
