package main

import "errors"

func oddities() {
	blank(1, "named", 2.5, 3)
	unnamed(1, "x")
	unused(1, "two", 3)
	blankResults(4)
	variadic("f", 1, 2, 3)
	variadic("none")
	shadowed(5, 6)
	recovered(7)
	recursive(3, "r")
}

// blank has parameters without a name, which it cannot tell.
//
//go:noinline
func blank(_ int, a string, _ float64, b int) (int, error) {
	r, err := b+len(a), error(nil)
	say("main.blank", args(is("a", a), is("b", b)), results(is("", r), is("", err)))
	return r, err
}

//go:noinline
func unnamed(int, string) int {
	say("main.unnamed", nil, results(is("", 7)))
	return 7
}

// unused does not look at a and b, so that the compiler need not keep them.
//
//go:noinline
func unused(a int, b string, c int) (n int, err error) {
	say("main.unused", args(is("c", c)), results(is("n", c), is("err", err)))
	return c, nil
}

//go:noinline
func blankResults(n int) (_ int, _ string) {
	say("main.blankResults", args(is("n", n)), results(is("", n), is("", "blank")))
	return n, "blank"
}

//go:noinline
func variadic(name string, rest ...int) int {
	say("main.variadic", args(is("name", name), is("rest", rest)), results(is("", len(rest))))
	return len(rest)
}

//go:noinline
func shadowed(a, b int) (r int) {
	before := args(is("a", a), is("b", b))
	a *= 2
	if b := a + 1; b > 3 {
		r = b
	}
	say("main.shadowed", before, results(is("r", r)))
	return r
}

// recovered returns by way of a panic.
//
//go:noinline
func recovered(n int) (r int, err error) {
	defer func() {
		err = recover().(error)
		r = n * 2
		say("main.recovered", args(is("n", n)), results(is("r", r), is("err", err)))
	}()
	panic(errors.New("recovered"))
}

//go:noinline
func recursive(n int, s string) string {
	r := s
	if n > 0 {
		r = recursive(n-1, s+s)
	}
	say("main.recursive", args(is("n", n), is("s", s)), results(is("", r)))
	return r
}
