package main

import "strings"

func closures() {
	add := adder(10, "ten")
	add(5)
	add(-3)
	counter := count()
	counter()
	counter()
	through(func(s string) string {
		r := strings.ToUpper(s)
		write(call{Function: "main.closures.func1", Args: args(is("s", s)), Results: results(is("", r))})
		return r
	})
	db := store{name: "bound"}
	described := db.describe
	described(4)
}

// adder captures values.
//
//go:noinline
func adder(n int, name string) func(int) int {
	rate := 0.5
	return func(x int) int {
		r := x + n + int(rate) + len(name)
		captured := args(is("n", n), is("name", name), is("rate", rate))
		write(call{Function: "main.adder.func1", Args: args(is("x", x)), Captured: captured, Results: results(is("", r))})
		return r
	}
}

// count captures a variable that it changes, which is captured by reference. Its value is that at the call.
//
//go:noinline
func count() func() int {
	n, last := 0, point{}
	return func() int {
		captured := args(is("n", n), is("last", last))
		n++
		last = point{n, -n}
		write(call{Function: "main.count.func1", Captured: captured, Results: results(is("", n))})
		return n
	}
}

//go:noinline
func through(f func(string) string) string {
	r := f("up")
	say("main.through", args(is("f", f)), results(is("", r)))
	return r
}
