//go:build go1.23

// Functions that return from inside loops over functions, and others with such loops.
package main

import "errors"

type ints = func(func(int) bool)

var failure = errors.New("failure")

//go:noinline
func one(n int, all ints) int {
	for x := range all {
		if x == 2 {
			return x + n
		}
	}
	return -1
}

//go:noinline
func two(n int, all ints) (int, error) {
	for x := range all {
		if x == n {
			return x, failure
		}
	}
	return -1, nil
}

//go:noinline
func deferred(n int, all ints) int {
	for x := range all {
		defer println(x)
		if x == 2 {
			return x + n
		}
	}
	return -1
}

//go:noinline
func deferredNone(n int, all ints) {
	for x := range all {
		defer println(x)
		if x == 2 {
			return
		}
	}
}

//go:noinline
func named(n int, all ints) (sum int, err error) {
	for x := range all {
		if x == 2 {
			return x + n, failure
		}
	}
	return -1, nil
}

//go:noinline
func half(n int, all ints) (_ int, err error) {
	for x := range all {
		if x == 2 {
			return x + n, failure
		}
	}
	return -1, nil
}

//go:noinline
func none(n int, all ints) {
	for x := range all {
		if x == n {
			return
		}
		println(x)
	}
}

//go:noinline
func after(n int, all ints) int {
	for x := range all {
		n += x
		if x == 3 {
			break
		}
	}
	return n
}

//go:noinline
func nested(n int, all ints) int {
	for x := range all {
		for y := range all {
			if x == 2 && y == 3 {
				return x + n
			}
		}
	}
	return -1
}

//go:noinline
func nestedNone(n int, all ints) {
outer:
	for x := range all {
		for y := range all {
			if x == 2 && y == 3 {
				return
			}
			if y == n {
				continue outer
			}
			println(x, y)
		}
	}
}

type place struct{ n int }

//go:noinline
func (p *place) find(all ints) string {
	for x := range all {
		if x == p.n {
			return "found"
		}
	}
	return "none"
}

//go:noinline
func generic[V comparable](v V, all func(func(V) bool)) (V, bool) {
	for x := range all {
		if x == v {
			return x, true
		}
	}
	return v, false
}

//go:noinline
func literal(n int, all ints) func() (int, error) {
	return func() (int, error) {
		for x := range all {
			if x == n {
				return x, nil
			}
		}
		return 7, nil
	}
}

//go:noinline
func around(n int, all ints) {
	for x := range all {
		f := func() int { return x * n }
		println(f())
	}
}

func upTo(n int) ints {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

//go:noinline
func inlined(n int) int {
	for x := range upTo(n) {
		if x*x > n {
			return x
		}
	}
	return -1
}

func main() {
	all := upTo(5)
	one(40, all)
	two(2, all)
	deferred(40, all)
	deferredNone(40, all)
	named(40, all)
	half(40, all)
	none(3, all)
	after(40, all)
	nested(40, all)
	nestedNone(3, all)
	(&place{2}).find(all)
	generic(2, all)
	literal(3, all)()
	around(3, all)
	inlined(10)
}
