// Command calls makes calls as fast as it can, for as long as its standard input asks it to. It first prints "pid N". Each line
//
//	DURATION WORKERS CALLS RATE FUNCTION
//
// makes WORKERS goroutines call main.busy, which calls main.small CALLS times, until DURATION is over; with RATE not 0 each of them makes at
// most RATE calls of main.busy a second. With CALLS = 0, main.small is called outside main.busy. With the FUNCTION visit, it is main.visits
// that calls main.visit, with query or find, main.queries that calls main.query
// or main.finds that calls main.find. The answer is one line of JSON.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	fmt.Println("pid", os.Getpid())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var length, name string
		var workers, calls, rate int
		_, err := fmt.Sscan(lines.Text(), &length, &workers, &calls, &rate, &name)
		duration, wrong := time.ParseDuration(length)
		called, known := functions[name]
		if err != nil || wrong != nil || !known {
			fmt.Fprintln(os.Stderr, "not DURATION WORKERS CALLS RATE FUNCTION:", lines.Text())
			os.Exit(2)
		}
		run(duration, workers, calls, rate, called)
	}
}

var sink int64

// A function, how to call it often outside any graph, and what calls it in a graph.
type function struct {
	thousand func(x int) int
	graph    func(x, calls int) int
}

var functions = map[string]function{
	"small": {thousandSmall, busy},
	"visit": {thousandVisits, visits},
	"query": {thousandQueries, queries},
	"find":  {thousandFinds, finds},
}

func run(length time.Duration, workers, calls, rate int, called function) {
	var busies, smalls, cpu int64
	var done sync.WaitGroup
	start := time.Now()
	for i := 0; i < workers; i++ {
		done.Add(1)
		go func() {
			defer done.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var madeBusies, madeSmalls int64
			x := 0
			before := threadTime()
			for time.Since(start) < length {
				if calls == 0 {
					x = called.thousand(x)
					madeSmalls += 1000
					continue
				}
				x = called.graph(x, calls)
				madeBusies++
				madeSmalls += int64(calls)
				if rate > 0 {
					// Sleeping is coarse; being late is made up for.
					ahead := time.Duration(madeBusies)*time.Second/time.Duration(rate) - time.Since(start)
					if ahead > time.Millisecond {
						time.Sleep(ahead)
					}
				}
			}
			atomic.AddInt64(&cpu, threadTime()-before)
			atomic.AddInt64(&busies, madeBusies)
			atomic.AddInt64(&smalls, madeSmalls)
			atomic.AddInt64(&sink, int64(x))
		}()
	}
	done.Wait()
	fmt.Printf("{\"busy\":%d,\"small\":%d,\"cpu_ns\":%d,\"wall_ns\":%d}\n", busies, smalls, cpu, time.Since(start).Nanoseconds())
}

// threadTime is the processor time that this thread has used, in nanoseconds.
func threadTime() int64 {
	const thread = 1 // RUSAGE_THREAD
	var usage syscall.Rusage
	if err := syscall.Getrusage(thread, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

//go:noinline
func busy(x, calls int) int {
	for i := 0; i < calls; i++ {
		x = small(x)
	}
	return x
}

//go:noinline
func visits(x, calls int) int {
	for i := 0; i < calls; i++ {
		x = visit(x)
	}
	return x
}

//go:noinline
func queries(x, calls int) int {
	for i := 0; i < calls; i++ {
		x += query(x&63, statement)
	}
	return x
}

func thousandQueries(x int) int {
	for n := 0; n < 1000; n++ {
		x += query(x&63, statement)
	}
	return x
}

//go:noinline
func finds(x, calls int) int {
	for i := 0; i < calls; i++ {
		x += find(x&63, statement)
	}
	return x
}

func thousandFinds(x int) int {
	for n := 0; n < 1000; n++ {
		x += find(x&63, statement)
	}
	return x
}

func thousandSmall(x int) int {
	for n := 0; n < 1000; n++ {
		x = small(x)
	}
	return x
}

func thousandVisits(x int) int {
	for n := 0; n < 1000; n++ {
		x = visit(x)
	}
	return x
}

// small has a frame, as most functions do, because it calls another one.
//
//go:noinline
func small(x int) int { return mix(x) + 1 }

//go:noinline
func mix(x int) int { return x*31 ^ x>>7 }

// visit has a frame for a call that it never makes, and always leaves through the jump that decides this.
//
//go:noinline
func visit(x int) int {
	if x < 0 {
		return mix(x) + 1
	}
	return x&0xffff + 3
}

// statement has 32 bytes.
var statement = "SELECT * FROM orders WHERE id = ?"[:32]

// query gets a number and a string.
//
//go:noinline
func query(limit int, sql string) int { return mix(limit+len(sql)) + 1 }

// find gets the same, and always leaves through the jump that decides that it does not call anything.
//
//go:noinline
func find(limit int, sql string) int {
	if limit < 0 {
		return mix(limit+len(sql)) + 1
	}
	return limit&0xff + len(sql)
}
