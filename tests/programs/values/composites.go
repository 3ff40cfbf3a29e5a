package main

import "strings"

func texts() {
	words("", "GET", "päth/ü\n\"quoted\"\x00\xff", strings.Repeat("long ", 200))
	octets([]byte("POST /"), nil, []byte{})
	join([]string{"a", "", "ccc"}, ", ")
}

//go:noinline
func words(empty, method, odd, long string) (first string, n int) {
	first, n = method[:1], len(long)
	say("main.words", args(is("empty", empty), is("method", method), is("odd", odd), is("long", long)), results(is("first", first), is("n", n)))
	return first, n
}

//go:noinline
func octets(a, b, c []byte) []byte {
	r := a[:4]
	say("main.octets", args(is("a", a), is("b", b), is("c", c)), results(is("", r)))
	return r
}

//go:noinline
func join(parts []string, with string) string {
	r := strings.Join(parts, with)
	say("main.join", args(is("parts", parts), is("with", with)), results(is("", r)))
	return r
}

type point struct{ x, y int }

// padded has room between its fields.
type padded struct {
	a bool
	b int64
	c uint8
	d uint16
	e string
}

type base struct {
	id   int
	name string
}

type derived struct {
	base
	*point
	Tags []string
	on   bool
}

// nine fills the registers for integers, ten does not fit.
type nine struct{ a, b, c, d, e, f, g, h, i int }
type ten struct {
	nine
	j int
}

type withArray struct {
	n    int
	grid [2][3]int8
}

type withOne struct {
	one  [1]string
	none [0]int
	unit struct{}
	f    float32
}

func composites() {
	numbers([]int{1, 2, 3}, []int{}, nil, make([]int, 2, 10))
	many(sequence(300))
	points([]point{{1, 2}, {3, 4}}, [][]int{{1}, nil, {2, 3}})
	arrays([0]int{}, [1]int{7}, [2]int{8, 9}, [3]string{"a", "b", "c"}, 5)
	structs(point{-1, 2}, padded{true, -5, 200, 60000, "end"}, struct{}{}, 9)
	embedded(derived{base{7, "seven"}, &point{1, 2}, []string{"t"}, true})
	inRegisters(nine{1, 2, 3, 4, 5, 6, 7, 8, 9}, 2.5)
	onStack(1, ten{nine{1, 2, 3, 4, 5, 6, 7, 8, 9}, 10}, "after")
	nested(withArray{3, [2][3]int8{{1, -2, 3}, {4, 5, -6}}}, withOne{one: [1]string{"only"}, f: 0.25})
	anonymous(struct {
		Name string
		N    int
	}{"anon", 5})
}

func sequence(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i * i
	}
	return all
}

//go:noinline
func numbers(a, b, c, d []int) []int {
	r := a[1:]
	say("main.numbers", args(is("a", a), is("b", b), is("c", c), is("d", d)), results(is("", r)))
	return r
}

//go:noinline
func many(all []int) (length int) {
	length = len(all)
	say("main.many", args(is("all", all)), results(is("length", length)))
	return length
}

//go:noinline
func points(a []point, b [][]int) point {
	r := a[1]
	say("main.points", args(is("a", a), is("b", b)), results(is("", r)))
	return r
}

// arrays: only those of one element go in registers.
//
//go:noinline
func arrays(zero [0]int, one [1]int, two [2]int, three [3]string, after int) ([2]int, [1]string) {
	r, s := [2]int{two[1], two[0]}, [1]string{three[after-3]}
	say("main.arrays", args(is("zero", zero), is("one", one), is("two", two), is("three", three), is("after", after)), results(is("", r), is("", s)))
	return r, s
}

//go:noinline
func structs(a point, b padded, c struct{}, d int) (padded, point) {
	r, s := padded{b: int64(d), e: b.e}, point{a.y, a.x}
	say("main.structs", args(is("a", a), is("b", b), is("c", c), is("d", d)), results(is("", r), is("", s)))
	return r, s
}

//go:noinline
func embedded(d derived) base {
	r := base{d.id + d.x, d.name}
	say("main.embedded", args(is("d", d)), results(is("", r)))
	return r
}

//go:noinline
func inRegisters(a nine, f float64) nine {
	r := nine{i: a.a}
	say("main.inRegisters", args(is("a", a), is("f", f)), results(is("", r)))
	return r
}

//go:noinline
func onStack(n int, a ten, s string) (ten, string) {
	r, t := ten{nine{a: n}, a.j}, s+"wards"
	say("main.onStack", args(is("n", n), is("a", a), is("s", s)), results(is("", r), is("", t)))
	return r, t
}

//go:noinline
func nested(a withArray, b withOne) (withOne, int) {
	r, n := withOne{f: b.f * 2}, a.n
	say("main.nested", args(is("a", a), is("b", b)), results(is("", r), is("", n)))
	return r, n
}

//go:noinline
func anonymous(a struct {
	Name string
	N    int
}) string {
	say("main.anonymous", args(is("a", a)), results(is("", a.Name)))
	return a.Name
}
