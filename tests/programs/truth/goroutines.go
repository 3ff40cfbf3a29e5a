package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"programs/rec"
)

// many N [HOLD]: N goroutines are in a graph at the same time. Once all are, it says so on standard error, and they stay there for HOLD.
func many() {
	n, hold := number(1, 10000), duration(2, 0)
	release := make(chan struct{})
	var inside sync.WaitGroup
	inside.Add(n)
	for i := 0; i < n; i++ {
		rec.Go(func(g *rec.G) {
			outer(g, func(g *rec.G) {
				c := g.Enter("main.many.func1.1")
				leaf(g)
				blocks(g, &inside, release)
				middle(g, 1)
				g.Leave(c)
			})
		})
	}
	inside.Wait()
	fmt.Fprintln(os.Stderr, "all are inside")
	time.Sleep(hold)
	close(release)
	rec.Wait()
	rec.Print("many")
}

//go:noinline
func blocks(g *rec.G, inside *sync.WaitGroup, release <-chan struct{}) {
	c := g.Enter("main.blocks")
	inside.Done()
	<-release
	leaf(g)
	g.Leave(c)
}

// numbers N: N goroutines are in inside at the same time, each with its number, which it gives back. Once all are, it says so on standard error, and
// they stay there until a line comes on standard input. There is no record.
func numbers() {
	n := number(1, 100)
	release := make(chan struct{})
	var all, done sync.WaitGroup
	all.Add(n)
	done.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			inside(i, &all, release)
			done.Done()
		}(i)
	}
	all.Wait()
	fmt.Fprintln(os.Stderr, "all are inside")
	bufio.NewReader(os.Stdin).ReadString('\n')
	close(release)
	done.Wait()
}

//go:noinline
func inside(n int, all *sync.WaitGroup, release <-chan struct{}) int {
	all.Done()
	<-release
	return n
}

// migrate: goroutines that change threads in the middle of a call; the note "threads" tells on how many each was seen.
func migrate() {
	for i := 0; i < 4*runtime.GOMAXPROCS(0); i++ {
		rec.Go(func(g *rec.G) {
			threads := rec.Threads{}
			outer(g, func(g *rec.G) {
				c := g.Enter("main.migrate.func1.1")
				for i := 0; i < 40; i++ {
					moves(g, i, threads)
				}
				g.Leave(c)
			})
			g.Note("threads", int64(len(threads)))
		})
	}
	rec.Wait()
	rec.Print("migrate")
}

//go:noinline
func moves(g *rec.G, i int, threads rec.Threads) {
	c := g.Enter("main.moves")
	threads.See()
	switch i % 4 {
	case 0:
		runtime.Gosched()
	case 1:
		time.Sleep(50 * time.Microsecond)
	case 2:
		runtime.LockOSThread()
		leaf(g)
		runtime.Gosched()
		runtime.UnlockOSThread()
	case 3:
		spin(g, 200*time.Microsecond)
	}
	threads.See()
	leaf(g)
	g.Leave(c)
}

// spin is a loop without calls for most of its time: the runtime preempts it by a signal.
//
//go:noinline
func spin(g *rec.G, length time.Duration) {
	c := g.Enter("main.spin")
	for end := time.Now().Add(length); time.Now().Before(end); {
		for i := 0; i < 100000; i++ {
			spun += i ^ spun
		}
	}
	g.Leave(c)
}

var spun int

// gc: garbage collections, preemption by signals, and stacks that grow and shrink, all in the middle of calls. The note "stack_moves" tells
// how often the goroutine's stack was seen at another place.
func gc() {
	for i := 0; i < 8; i++ {
		rec.Go(func(g *rec.G) {
			var moved int64
			outer(g, func(g *rec.G) {
				c := g.Enter("main.gc.func1.1")
				var here byte
				at := uintptr(unsafe.Pointer(&here))
				for i := 0; i < 3; i++ {
					allocates(g, 12)
					spin(g, 15*time.Millisecond)
					digs(g, 200)
					collects(g)
					if now := uintptr(unsafe.Pointer(&here)); now != at {
						at = now
						moved++
					}
				}
				g.Leave(c)
			})
			g.Note("stack_moves", moved)
		})
	}
	rec.Wait()
	rec.Print("gc")
}

type node struct{ left, right *node }

//go:noinline
func allocates(g *rec.G, depth int) *node {
	c := g.Enter("main.allocates")
	n := &node{}
	if depth > 8 {
		n.left, n.right = allocates(g, depth-1), allocates(g, depth-1)
	} else {
		for i := 0; i < 1000; i++ {
			n = &node{left: n}
		}
	}
	g.Leave(c)
	return n
}

//go:noinline
func digs(g *rec.G, n int) int {
	c := g.Enter("main.digs")
	var frame [100]int
	frame[n%100] = n
	if n > 0 {
		sink += digs(g, n-1)
	} else {
		leaf(g)
	}
	g.Leave(c)
	return frame[(n+1)%100]
}

//go:noinline
func collects(g *rec.G) {
	c := g.Enter("main.collects")
	runtime.GC() // shrinks stacks that are mostly unused
	runtime.GC()
	leaf(g)
	g.Leave(c)
}

// sleep: a call of outer every 50 ms until SIGTERM or SIGINT, then the record. It prints "pid N" first.
func sleep() {
	stop := rec.Stopped()
	fmt.Println("pid", os.Getpid())
	g := rec.New()
	for !stop() {
		outer(g, sleeps)
	}
	rec.Print("sleep")
}

//go:noinline
func sleeps(g *rec.G) {
	c := g.Enter("main.sleeps")
	leaf(g)
	time.Sleep(50 * time.Millisecond)
	g.Leave(c)
}

// load DURATION WORKERS [CALLS]: each worker calls busy in a loop, which calls small CALLS times (10 without the argument), until the
// time is over or SIGTERM comes. Nothing is recorded; "count" is the number of calls of both. With CALLS = 0 small is called outside busy, and
// only these calls are counted.
func load() {
	length, workers, calls := duration(1, time.Second), number(2, runtime.GOMAXPROCS(0)), number(3, 10)
	var total int64
	var done sync.WaitGroup
	stop := rec.Stopped()
	end := time.Now().Add(length)
	for i := 0; i < workers; i++ {
		done.Add(1)
		go func() {
			defer done.Done()
			var made int64
			for x := 0; time.Now().Before(end) && !stop(); {
				if calls == 0 {
					x = small(small(small(small(small(small(small(small(small(small(x))))))))))
					made += 10
				} else {
					x = busy(x, calls)
					made += int64(calls) + 1
				}
			}
			atomic.AddInt64(&total, made)
		}()
	}
	done.Wait()
	rec.PrintCount("load", total)
}

//go:noinline
func busy(x, calls int) int {
	for i := 0; i < calls; i++ {
		x = small(x)
	}
	return x
}

// small has a frame, as most functions do, because it calls another one.
//
//go:noinline
func small(x int) int { return rec.Mix(x) + 1 }
