// Command coroutine ends so many sequences of iter.Pull by runtime.Goexit, one after another, and as many in the usual way. It needs Go 1.23.
package main

import (
	"fmt"
	"iter"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

//go:noinline
func ends(n int) { runtime.Goexit() }

//go:noinline
func returns(n int) int { return n + 1 }

//go:noinline
func pull(n int) (sum int) {
	next, stop := iter.Pull(func(yield func(int) bool) { yield(returns(n)) })
	sum, _ = next()
	stop()
	next, _ = iter.Pull(func(yield func(int) bool) { ends(n) })
	next() // does not return: the Goexit in the sequence goes on here
	return sum
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[1])
	var wg sync.WaitGroup
	for n := 0; n < rounds; n++ {
		wg.Add(1)
		go func(n int) {
			defer wg.Done()
			pull(n)
		}(n)
		wg.Wait()
	}
	// The last one has run its deferred calls, and may not have ended yet.
	for i := 0; i < 1000 && runtime.NumGoroutine() > 1; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println(rounds, "rounds")
}
