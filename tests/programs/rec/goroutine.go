package rec

import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

var running sync.WaitGroup

// Go runs f in a goroutine with a record of its own. It is here, and not in the traced program, so that the goroutine's first function and
// its deferred calls are not traced: runtime.Goexit runs them inside the graph.
func Go(f func(*G)) {
	running.Add(1)
	go func() {
		g := New()
		defer func() {
			g.Done()
			running.Done()
		}()
		f(g)
	}()
}

// Wait waits until all goroutines begun by Go are done, and gone: what runtime.Goexit unwinds ends a little after the last deferred call.
func Wait() {
	running.Wait()
	for i := 0; i < 1000 && runtime.NumGoroutine() > 1; i++ {
		time.Sleep(time.Millisecond)
	}
}

// Threads counts the threads on which a goroutine was seen.
type Threads map[int]bool

// See notes the current thread.
func (t Threads) See() {
	t[syscall.Gettid()] = true
}

// Stopped returns a function that tells whether SIGTERM or SIGINT came since.
func Stopped() func() bool {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	return func() bool { return len(signals) > 0 }
}

// Mix does next to nothing and is a call.
//
//go:noinline
func Mix(x int) int { return x * 31 }
