package main

func spilled() {
	tooManyInts(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	tooManyFloats(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
	doesNotFit(1, 2, 3, 4, 5, 6, 7, "eight", 9, 0.5)
	smallOnStack(1, 2, 3, 4, 5, 6, 7, 8, 9, -10, 11, true, -12)
	tooManyResults(3)
	mixedResults([2]int{5, 6}, 7)
}

//go:noinline
func tooManyInts(a, b, c, d, e, f, g, h, i, j, k int) int {
	r := a + j*k
	say("main.tooManyInts", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f), is("g", g), is("h", h), is("i", i), is("j", j), is("k", k)), results(is("", r)))
	return r
}

//go:noinline
func tooManyFloats(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q float64) float64 {
	r := a + p*q
	say("main.tooManyFloats", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f), is("g", g), is("h", h), is("i", i), is("j", j), is("k", k), is("l", l), is("m", m), is("n", n), is("o", o), is("p", p), is("q", q)), results(is("", r)))
	return r
}

// doesNotFit: s takes the last two registers, and x goes on the stack; y still has a register.
//
//go:noinline
func doesNotFit(a, b, c, d, e, f, g int, s string, x int, y float64) (string, float64) {
	say("main.doesNotFit", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f), is("g", g), is("s", s), is("x", x), is("y", y)), results(is("", s), is("", y)))
	return s, y
}

//go:noinline
func smallOnStack(a, b, c, d, e, f, g, h, i int, j int8, k uint32, l bool, m int16) (int8, uint32) {
	say("main.smallOnStack", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f), is("g", g), is("h", h), is("i", i), is("j", j), is("k", k), is("l", l), is("m", m)), results(is("", j), is("", k)))
	return j, k
}

//go:noinline
func tooManyResults(n int) (a, b, c, d, e, f, g, h, i, j int, s string) {
	a, b, c, d, e, f, g, h, i, j, s = n, n+1, n+2, n+3, n+4, n+5, n+6, n+7, n+8, n+9, "end"
	say("main.tooManyResults", args(is("n", n)), results(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f), is("g", g), is("h", h), is("i", i), is("j", j), is("s", s)))
	return a, b, c, d, e, f, g, h, i, j, s
}

//go:noinline
func mixedResults(a [2]int, n int) (b [2]int, c int, d [2]string, e float64) {
	b, c, d, e = [2]int{a[1], a[0]}, n, [2]string{"x", "y"}, 1.5
	say("main.mixedResults", args(is("a", a), is("n", n)), results(is("b", b), is("c", c), is("d", d), is("e", e)))
	return b, c, d, e
}
