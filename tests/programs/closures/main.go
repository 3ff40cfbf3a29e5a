// Closures calls function literals of functions that are inlined, and prints how often each was called, one line of JSON.
package main

import (
	"encoding/json"
	"os"
	"runtime"

	"programs/closures/lib"
)

var calls struct {
	F, First, Second, Nested, Method, Generic, Started, Alike, Lib, Ticked int
}

//go:noinline
func keep(g func() int) int { return g() }

//go:noinline
func tick() { calls.Ticked++ }

func f(n int) func() int { return func() int { calls.F++; return n * 10 } }

// Nobody calls the function's own code, which is not in the program then.
func only(n int) func() int { return func() int { return n * 11 } }

// Of a function that is inlined itself.
func outer(n int) func() int { return f(n) }

// On one line.
func two(n int) (func() int, func() int) {
	return func() int { calls.First++; return n + 1 }, func() int { calls.Second++; return n + 2 }
}

// On one line, with the same code.
func alike(n int) (func() int, func() int) { return func() int { calls.Alike++; return n }, func() int { calls.Alike++; return n } }

func nested(n int) func() func() int {
	return func() func() int {
		return func() int { calls.Nested++; return n }
	}
}

type box struct{ n int }

func (b *box) give() func() int { return func() int { calls.Method++; return b.n } }

func generic[T any](t T, n int) func() int { return func() int { calls.Generic++; _ = t; return n } }

//go:noinline
func start(n int, done chan int) { calls.Started++; done <- n }

func starter(done chan int) func() int { return func() int { go start(1, done); return <-done } }

//go:noinline
func a(n int) (sum int) {
	own := func() int { return n }
	sum += keep(own) + keep(f(n)) + keep(outer(n)) + keep(lib.Give(n)) + keep(only(n))
	first, second := two(n)
	sum += keep(first) + keep(second)
	first, second = two(n + 1)
	sum += keep(first) + keep(second)
	sum += keep(nested(n)()) + keep((&box{n}).give()) + keep(generic(n, n)) + keep(generic("n", n))
	one, other := alike(n)
	return sum + keep(one) + keep(other) + keep(starter(make(chan int))) + keep(ticking(n))
}

func ticking(n int) func() int { return func() int { tick(); return n } }

type holder struct{ n int }

//go:noinline
func (h holder) b() int {
	_, second := two(h.n)
	return keep(f(h.n)) + keep(second)
}

// Through these the functions' own code is called.
var (
	vf, vouter, vtwo, valike, vnested, vgive, vstarter = f, outer, two, alike, nested, (*box).give, starter
	vgeneric, vticking                                 = generic[int], ticking
)

//go:noinline
func c(n int) int {
	first, second := vtwo(n)
	one, other := valike(n)
	return keep(vf(n)) + keep(vouter(n)) + keep(first) + keep(second) + keep(vnested(n)()) + keep(vgive(&box{n})) +
		keep(vgeneric(n, n)) + keep(one) + keep(other) + keep(vstarter(make(chan int))) + keep(lib.Given(n)) +
		keep(vticking(n))
}

//go:noinline
func makes(n int) int { return lib.Make(n)() + lib.Made(n)() }

func main() {
	for n := 0; n < 10; n++ {
		a(n)
		holder{n}.b()
		c(n)
		makes(n)
	}
	// What a go statement wraps returns after it has been waited for.
	for runtime.NumGoroutine() > 1 {
		runtime.Gosched()
	}
	calls.Lib = lib.Calls
	if err := json.NewEncoder(os.Stdout).Encode(calls); err != nil {
		panic(err)
	}
}
