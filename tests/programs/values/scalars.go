package main

import "math"

func scalars() {
	ints(-8, -1600, -320000, -64<<40, math.MinInt64)
	uints(8, 1600, 320000, 64<<40, math.MaxUint64, 0x1f2e)
	flags(true, false, true)
	floats(1.5, -2.25e100, float32(math.Inf(1)), math.NaN())
	complexes(complex(1, -2), complex(0.5, 1e10))
	mixed(7, 1.25, 'x', 2.5, true, 3)
	named(300, red, 4.5)
	unnamedResults(20, 3)
	divide(7, 0)
	divide(7, 2)
	nothing()
}

//go:noinline
func ints(a int8, b int16, c int32, d int64, e int) (r int64) {
	r = int64(a) + int64(b) + int64(c)
	say("main.ints", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e)), results(is("r", r)))
	return r
}

//go:noinline
func uints(a uint8, b uint16, c uint32, d uint64, e uint, f uintptr) (small uint8, large uint) {
	small, large = a+250, e-1
	say("main.uints", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f)), results(is("small", small), is("large", large)))
	return small, large
}

//go:noinline
func flags(a, b, c bool) bool {
	r := a && b || c
	say("main.flags", args(is("a", a), is("b", b), is("c", c)), results(is("", r)))
	return r
}

//go:noinline
func floats(a float32, b float64, c float32, d float64) (float32, float64) {
	r, s := a*2, b/2
	say("main.floats", args(is("a", a), is("b", b), is("c", c), is("d", d)), results(is("", r), is("", s)))
	return r, s
}

//go:noinline
func complexes(a complex64, b complex128) complex128 {
	r := complex128(a) * b
	say("main.complexes", args(is("a", a), is("b", b)), results(is("", r)))
	return r
}

// mixed takes general and vector registers in turn.
//
//go:noinline
func mixed(a int, b float64, c rune, d float32, e bool, f byte) (g float64, h int) {
	g, h = b+float64(d), a+int(c)+int(f)
	say("main.mixed", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f)), results(is("g", g), is("h", h)))
	return g, h
}

type (
	meters int32
	color  uint8
	ratio  float64
)

const (
	green color = iota + 1
	red
)

func (c color) String() string {
	if c == red {
		return "red"
	}
	return "green"
}

//go:noinline
func named(m meters, c color, r ratio) (meters, color) {
	n, d := m*2, green
	say("main.named", args(is("m", m), is("c", c), is("r", r)), results(is("", n), is("", d)))
	return n, d
}

//go:noinline
func unnamedResults(a, b int) (int, int) {
	q, r := a/b, a%b
	say("main.unnamedResults", args(is("a", a), is("b", b)), results(is("", q), is("", r)))
	return q, r
}

//go:noinline
func divide(a, b int) (q int, err error) {
	if b == 0 {
		err = errZero
	} else {
		q = a / b
	}
	say("main.divide", args(is("a", a), is("b", b)), results(is("q", q), is("err", err)))
	return q, err
}

//go:noinline
func nothing() {
	say("main.nothing", nil, nil)
}
