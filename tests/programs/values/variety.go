package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type (
	text16  string
	octet   []byte
	colors  []color
	table   map[string]point
	handler func(int) string
	set     map[string]struct{}
)

// alone and padding are one address, which an interface holds itself; Go 1.26 does so for padding too.
type alone struct{ p *int }
type padding struct {
	none struct{}
	p    *int
}

// wide does not fit into what is captured of what an interface holds.
type wide struct {
	a, b, c, d, e, f, g, h, i, j int
	name                         string
}

type blanks struct {
	a uint8
	_ [3]byte
	b uint32
	_ struct{}
	c string
}

// halves goes in registers of both kinds.
type halves struct {
	n    int32
	f    float32
	flag bool
	g    float64
	s    string
}

type tree2 struct {
	left, right *tree2
	key         string
	tags        map[string]string
	any         any
	err         error
	done        chan struct{}
	do          func()
}

type key struct {
	a int
	b string
}

func variety() {
	n := 7
	held()
	anything(alone{&n})
	anything(padding{p: &n})
	anything(alone{})
	bytesOf([4]byte{127, 0, 0, 1}, [16]byte{0xde, 0xad, 15: 0xef}, octet("named"), json.RawMessage(`{"a":1}`), colors{red, green})
	blank2(blanks{a: 1, b: 2, c: "three"}, &blanks{a: 4, b: 5, c: "six"})
	half(halves{-1, 0.5, true, 1.5, "half"}, 3, &halves{-2, 2.5, false, 3.5, "other"})
	s, m, i, a, f := "pointed", map[string]int{"m": 1}, any(5), [3]int16{1, 2, 3}, 1.5
	behind(&s, &m, &i, &a, &f, &[]string{"x", "y"})
	keys(map[bool]int{true: 1}, map[key]string{{1, "one"}: "first"}, map[any]int{"x": 1}, map[float64]bool{0.5: true}, map[[2]int8]*int{{1, 2}: &n})
	sets(set{"a": {}, "b": {}}, map[int]struct{}{}, map[string][]string{"Accept": {"a", "b"}}, map[string]any{"n": nil})
	bulky(map[[20]int]int{{1, 2}: 3}, map[int][20]int{4: {5, 6}}, table{"p": {1, 2}})
	changed := map[int]int{}
	for i := 0; i < 20; i++ {
		changed[i] = -i
	}
	for i := 2; i < 20; i++ {
		delete(changed, i)
	}
	emptied := map[string]int{"gone": 1}
	delete(emptied, "gone")
	deleted(changed, emptied)
	growing()
	forest(&tree2{left: &tree2{key: "l"}, key: "root", tags: map[string]string{"k": "v"}, any: "held", err: errZero, done: make(chan struct{}), do: nothing})
	fields([]*point{{1, 2}, nil, {3, 4}}, []any{nil, "a", 5}, []error{nil, errZero}, []time.Duration{time.Second}, [][]string{{"a"}, {}})
	structsOf([2]point{{1, 2}, {3, 4}}, []struct{}{{}, {}}, [0]string{}, [1][1]point{{{5, 6}}})
	big([100]int{99: 1}, wide{a: 1, j: 10, name: "wide"}, 5)
	methods(db{"bound"}.say, store.describe, handler(callback), n)
	var count atomic.Int64
	count.Store(5)
	locked(&sync.Mutex{}, &count, os.Stdout, &sync.WaitGroup{})
	pair[string, *point]{"p", &point{7, 8}}.swap(1)
	pair[*int, []*point]{&n, []*point{{9, 10}}}.swap(2)
	pair[time.Duration, error]{time.Second, errZero}.swap(3)
	pair[bool, map[string]*point]{true, map[string]*point{"a": {1, 2}}}.swap(4)
	listOf([]*point{{1, 2}, {3, 4}}, map[string]*point{"a": {5, 6}}, &point{7, 8})
	listOf([]string{"a"}, map[string]string{"b": "c"}, "d")
	listOf([]time.Duration{1}, map[string]time.Duration{"b": 2}, time.Second)
	listOf([]error{errZero, nil}, map[string]error{"b": errZero}, nil)
	listOf([]any{1, "x"}, map[string]any{"b": 2.5}, any(nil))
	small(-1, 2, -3, 4, true, 'é', 0.5)
	for i := 0; i < 2; i++ {
		within(i, func() (int, *string) {
			write(call{Function: "main.variety.func1", Captured: args(is("i", i), is("f", f), is("a", a)), Results: results(is("", i), is("", &s))})
			return i, &s
		})
	}
}

// held puts values of many types in an interface.
func held() {
	anything(int8(-5))
	anything(uint16(60000))
	anything(int32(-70000))
	anything(uint64(1<<63 + 1))
	anything(uintptr(0xabc))
	anything(float32(0.25))
	anything(complex(1.5, -2))
	anything(complex64(complex(-1, 2)))
	anything(text16("named"))
	anything("long " + string(make([]byte, 100)))
	anything([]byte("bytes"))
	anything(octet("octets"))
	anything([3]int16{1, -2, 3})
	anything([2]string{"a", "b"})
	anything(wide{a: 1, b: 2, j: 10, name: "wide"})
	anything(&wide{a: 1, b: 2, j: 10, name: "wide"})
	anything(halves{-1, 0.5, true, 1.5, "half"})
	anything(&padded{true, -5, 200, 60000, "end"})
	anything(blanks{a: 1, b: 2, c: "three"})
	anything(map[string]int{})
	anything((map[string]int)(nil))
	anything(table{"p": {1, 2}})
	anything(make(chan int, 2))
	anything(make(chan int))
	anything((chan string)(nil))
	anything(handler(callback))
	anything((func())(nil))
	anything([]string(nil))
	anything([]int{})
	anything(errZero)
	anything(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC))
	anything(struct {
		A int
		b string
	}{1, "x"})
	anything([0]int{})
	anything([1]int{5})
	p := &point{1, 2}
	anything(&p)
	n := 5
	anything(&n)
	anything(&[]string{"a"})
	anything([2]*int{&n, nil})
	anything(derived{base{7, "seven"}, &point{1, 2}, []string{"t"}, true})
	anything(event{time.Unix(5, 0), time.Second})
	anything(pair[string, int]{"k", 5})
	anything(&pair[int8, *point]{-1, p})
	anything(json.RawMessage("raw"))
	anything(fmt.Errorf("%d: %w", 5, errZero))
	anything(any(any(3)))
	fails(&os.PathError{Op: "open", Path: "/none", Err: os.ErrNotExist})
	fails(os.ErrDeadlineExceeded)
	_, err := os.Open("/does/not/exist")
	fails(err)
	fails(json.Unmarshal([]byte("{"), &n))
}

//go:noinline
func bytesOf(a [4]byte, b [16]byte, c octet, d json.RawMessage, e colors) ([4]byte, octet) {
	say("main.bytesOf", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e)), results(is("", a), is("", c)))
	return a, c
}

//go:noinline
func blank2(a blanks, b *blanks) blanks {
	say("main.blank2", args(is("a", a), is("b", b)), results(is("", *b)))
	return *b
}

//go:noinline
func half(a halves, n int, b *halves) (halves, error) {
	say("main.half", args(is("a", a), is("n", n), is("b", b)), results(is("", *b), is("", error(nil))))
	return *b, nil
}

//go:noinline
func behind(a *string, b *map[string]int, c *any, d *[3]int16, e *float64, f *[]string) (*string, **float64) {
	r := &e
	say("main.behind", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f)), results(is("", a), is("", r)))
	return a, r
}

//go:noinline
func keys(a map[bool]int, b map[key]string, c map[any]int, d map[float64]bool, e map[[2]int8]*int) map[key]string {
	say("main.keys", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e)), results(is("", b)))
	return b
}

//go:noinline
func sets(a set, b map[int]struct{}, c map[string][]string, d map[string]any) set {
	say("main.sets", args(is("a", a), is("b", b), is("c", c), is("d", d)), results(is("", a)))
	return a
}

//go:noinline
func bulky(a map[[20]int]int, b map[int][20]int, c table) table {
	say("main.bulky", args(is("a", a), is("b", b), is("c", c)), results(is("", c)))
	return c
}

//go:noinline
func deleted(a map[int]int, b map[string]int) int {
	say("main.deleted", args(is("a", a), is("b", b)), results(is("", len(a))))
	return len(a)
}

// growing shows maps of every size, in the middle of growing too.
func growing() {
	m := map[int]int{}
	for i := 0; i < 60; i++ {
		m[i] = i * i
		if i%5 == 0 {
			grown(m, i)
		}
	}
}

//go:noinline
func grown(m map[int]int, n int) {
	say("main.grown", args(is("m", m), is("n", n)), nil)
}

//go:noinline
func forest(t *tree2) (tree2, bool) {
	say("main.forest", args(is("t", t)), results(is("", *t), is("", true)))
	return *t, true
}

//go:noinline
func fields(a []*point, b []any, c []error, d []time.Duration, e [][]string) []any {
	say("main.fields", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e)), results(is("", b)))
	return b
}

//go:noinline
func structsOf(a [2]point, b []struct{}, c [0]string, d [1][1]point) [1][1]point {
	say("main.structsOf", args(is("a", a), is("b", b), is("c", c), is("d", d)), results(is("", d)))
	return d
}

//go:noinline
func big(a [100]int, b wide, c int) (wide, [100]int, int) {
	say("main.big", args(is("a", a), is("b", b), is("c", c)), results(is("", b), is("", a), is("", c)))
	return b, a, c
}

type db struct{ name string }

//go:noinline
func (d db) say(n int) string { return d.name }

//go:noinline
func methods(a func(int) string, b func(store, int) string, c handler, n int) (handler, func() int) {
	local := func() int { return n }
	say("main.methods", args(is("a", a), is("b", b), is("c", c), is("n", n)), results(is("", c), is("", local)))
	return c, local
}

//go:noinline
func locked(m *sync.Mutex, n *atomic.Int64, f *os.File, w *sync.WaitGroup) int64 {
	r := n.Load()
	say("main.locked", nil, results(is("", r)))
	return r
}

//go:noinline
func listOf[T any](list []T, named map[string]T, one T) (T, []T) {
	say("main.listOf[...]", args(is("list", list), is("named", named), is("one", one)), results(is("", one), is("", list)))
	return one, list
}

//go:noinline
func small(a int8, b uint8, c int16, d uint16, e bool, f rune, g float32) (int8, bool, float32, uint16) {
	say("main.small", args(is("a", a), is("b", b), is("c", c), is("d", d), is("e", e), is("f", f), is("g", g)), results(is("", a), is("", e), is("", g), is("", d)))
	return a, e, g, d
}

//go:noinline
func within(n int, f func() (int, *string)) int {
	r, _ := f()
	say("main.within", args(is("n", n), is("f", f)), results(is("", r)))
	return r
}
