// Command shown has functions and values for their arguments. It says of each function where in its memory the values are and what they
// look like, and waits until its standard input ends. Nobody calls the functions.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"
)

var out = bufio.NewWriter(os.Stdout)

// An arg is a pointer to a value, and how it is shown.
type arg struct {
	at   any
	text string
}

// tell prints a line: a function, what the values are (args, ret), and of each the address and the text.
func tell(name, moment string, function any, args ...arg) {
	keep = append(keep, function)
	fmt.Fprint(out, name, "\t", moment)
	for _, a := range args {
		keep = append(keep, a.at)
		words := *(*[2]uintptr)(unsafe.Pointer(&a.at))
		fmt.Fprint(out, "\t0x", strconv.FormatUint(uint64(words[1]), 16), "\t", a.text)
	}
	fmt.Fprintln(out)
}

var keep []any

func of[T any](value T, text string) arg {
	p := new(T)
	*p = value
	return arg{p, text}
}

type point struct{ x, y int }

type code uint8

type mixed struct {
	small int8
	ratio float32
	flag  bool
	name  string
}

type base struct {
	ID   int64
	Tags []string
}

type empty struct{}

type request struct {
	base
	_      [3]byte
	none   empty
	Method string
	URL    *url
	Body   []byte
	mu     sync.Mutex
	Codes  [6]uint16
	Done   chan struct{}
	Header map[string][]string
	Fail   error
	Far    [5000]byte
	Last   int
}

type url struct{ Scheme, Path string }

type node struct {
	value int
	next  *node
}

type nine struct{ a, b, c, d, e, f, g, h, i int }

type ten struct {
	nine
	j int
}

type many struct {
	a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 int64
	b0, b1, b2, b3, b4, b5, b6, b7, b8, b9 int64
	c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 int64
	d0, d1, d2, d3, d4, d5, d6, d7, d8, d9 int64
}

type large struct {
	head  int
	bytes [300]byte
	tail  string
}

type fault struct {
	code    int
	message string
}

func (f *fault) Error() string { return f.message }

type plain string

func (p plain) Error() string { return string(p) }

type pair[T any] struct{ first, second T }

//go:noinline
func integers(a int8, b int16, c int32, d int64, e uint8, f uint16, g uint32, h uint64, i uintptr, j bool, k code) {
}

//go:noinline
func floats(a float32, b float64, c complex64, d complex128, e int) (float64, int) { return b, e }

//go:noinline
func strings3(a, b, c string) (string, error) { return a, nil }

//go:noinline
func octets(a, b, c []byte) {}

//go:noinline
func slices(a []int, b []int, c []int8, d []string) ([]point, int) { return nil, 0 }

//go:noinline
func nestedSlices(a [][]int, b [][]byte, c []mixed, d []large) {}

//go:noinline
func slicesOfPointers(a []*point, b []any, c []error) {}

//go:noinline
func arrays(a [0]int, b [1]int, c [2]point, d [6]uint16, e [3]string) {}

//go:noinline
func structs(a point, b mixed, c empty, d ten) (mixed, point) { return b, a }

//go:noinline
func pointers(a *point, b *point, c *int, d *string, e **point, f *node, g *empty, h unsafe.Pointer) {
}

//go:noinline
func handle(r *request, s *many, l *large) {}

//go:noinline
func nothing() {}

//go:noinline
func times(a time.Duration, b time.Time, c *time.Time, d []time.Duration) {}

//go:noinline
func interfaces(a any, b any, c error, d error, e error) (any, error) { return a, c }

//go:noinline
func stringers(a fmt.Stringer, b any, c any) {}

// What interfaces hold of these is not their address, but the one that they consist of.

type carrier struct{ *point }

type carried struct{ inner carrier }

type one [1]*point

type waits struct{ done chan int }

// In this one zero bytes stand beside the address: Go 1.26 was the first to hold it as such.
type padded struct {
	none empty
	at   *point
}

func (c carried) Error() string { return "carried" }

//go:noinline
func direct(a any, b error, c any, d any, e any) {}

// DWARF has types of variables only.
//
//go:noinline
func held(a carrier, b carried, c one, d waits, e padded) {}

type names []string

//go:noinline
func elsewhere(a *request, b any, c any, d any, e names) {}

//go:noinline
func funcs(a func(), b func(int) int, c func()) {}

//go:noinline
func chans(a chan int, b chan int, c <-chan string) {}

//go:noinline
func spilled(a, b, c, d, e, f, g, h, i, j, k int, l string, m point, n []byte) (o, p, q, r, s, t, u, v, w, x, y int, z string) {
	return
}

//go:noinline
func tooMany(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9 string) []string {
	return []string{a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9}
}

//go:noinline
func fair(a, b []string, c int) {}

//go:noinline
func generic[T any](a T, b pair[T], c []T) T { return a }

//go:noinline
func genericPointers[T any](a T, b []T, c *pair[T]) T { return a }

//go:noinline
func unnamed(_ int, b string, _ bool) (int, string) { return 0, b }

//go:noinline
func internals(a reflect.Type, b reflect.Value, c *runtime.Func, d runtime.Error, e []runtime.Frame) {
}

type dot struct{ left, right int }

//go:noinline
func sameOne(a *point, s string, c chan int, n int32) {}

//go:noinline
func sameTwo(b *dot, name plain, done <-chan bool, n uint8) {}

func callback() {}

// closure gives a function that shares a variable and has a copy of another.
//
//go:noinline
func closure(name *string, total *int) func(x string) {
	shared := *name
	f := func(x string) {
		*total += len(x)
		shared += x
	}
	keep = append(keep, &shared)
	return f
}

var text64 = strings.Repeat("0123456789abcdef", 4)

func quoted(s string) string { return strconv.Quote(s) }

func main() {
	tell("main.integers", "args", integers,
		of(int8(-8), "a=-8"), of(int16(-300), "b=-300"), of(int32(-70000), "c=-70000"), of(int64(-1)<<63, "d=-9223372036854775808"),
		of(uint8(200), "e=200"), of(uint16(60000), "f=60000"), of(uint32(4000000000), "g=4000000000"), of(^uint64(0), "h=18446744073709551615"),
		of(uintptr(0x1f), "i=0x1f"), of(true, "j=true"), of(code(7), "k=7"))
	tell("main.floats", "args", floats,
		of(float32(1.5), "a=‹X0›"), of(2.5, "b=‹X1›"), of(complex64(1), "c=‹X2›"), of(complex128(1), "d=‹X4›"), of(5, "e=5"))
	tell("main.floats", "ret", floats, of(2.5, "=‹X0›"), of(5, "=5"))
	tell("main.strings3", "args", strings3, of("", `a=""`), of("päth\x00", "b="+quoted("päth\x00")), of(text64+"xyz", "c="+quoted(text64)+"…+3"))
	tell("main.strings3", "ret", strings3, of("r", `="r"`), of(error(nil), "=nil"))
	tell("main.octets", "args", octets, of([]byte("POST /"), `a=[]byte("POST /")`), of([]byte(nil), "b=nil"), of([]byte{}, `c=[]byte("")`))
	tell("main.slices", "args", slices,
		of([]int{1, 2, 3, 4, 5, 6}, "a=[]int{1, 2, 3, 4, …+2}"), of([]int(nil), "b=nil"), of([]int8{-1, 2}, "c=[]int8{-1, 2}"),
		of([]string{"a", text64 + "!", ""}, `d=[]string{"a", "`+text64+`"…+1, ""}`))
	tell("main.slices", "ret", slices, of([]point{{1, 2}, {3, 4}}, "=[]main.point{main.point{x: 1, y: 2}, main.point{x: 3, y: 4}}"), of(1, "=1"))
	l := large{head: 1, tail: "t"}
	shownLarge := `main.large{head: 1, bytes: [300]uint8{0, 0, 0, 0, …+296}, tail: "t"}`
	tell("main.nestedSlices", "args", nestedSlices,
		of([][]int{{1}, nil, {2, 3}}, "a=[][]int{[]int{1}, nil, []int{2, 3}}"), of([][]byte{[]byte("x"), nil}, `b=[][]uint8{[]byte("x"), nil}`),
		of([]mixed{{-1, 0.5, true, "m"}, {2, -2, false, "n"}},
			`c=[]main.mixed{main.mixed{small: -1, ratio: 0.5, flag: true, name: "m"}, main.mixed{small: 2, ratio: -2, flag: false, name: "n"}}`),
		of([]large{l}, "d=[]main.large{"+shownLarge+"}"))
	p := &point{1, -2}
	tell("main.slicesOfPointers", "args", slicesOfPointers,
		of([]*point{p, nil}, "a=[]*main.point{&main.point{x: 1, y: -2}, nil}"),
		of([]any{5, "five", nil, p}, `b=[]interface {}{int(5), string("five"), nil, *main.point(1)}`),
		of([]error{errors.New("e"), nil}, `c=[]error{*errors.errorString("e"), nil}`))
	tell("main.arrays", "args", arrays, of([0]int{}, "a=[0]int{}"), of([1]int{7}, "b=[1]int{7}"),
		of([2]point{{1, 2}, {3, 4}}, "c=[2]main.point{main.point{x: 1, y: 2}, main.point{x: 3, y: 4}}"),
		of([6]uint16{1, 2, 3, 4, 5, 6}, "d=[6]uint16{1, 2, 3, 4, …+2}"), of([3]string{"a", "b", "c"}, `e=[3]string{"a", "b", "c"}`))
	tell("main.structs", "args", structs, of(point{-1, 2}, "a=main.point{x: -1, y: 2}"),
		of(mixed{-5, 0.25, true, "end"}, `b=main.mixed{small: -5, ratio: ‹X0›, flag: true, name: "end"}`), of(empty{}, "c=main.empty{}"),
		of(ten{nine{1, 2, 3, 4, 5, 6, 7, 8, 9}, 10}, "d=main.ten{nine: main.nine{a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9}, j: 10}"))
	tell("main.structs", "ret", structs,
		of(mixed{-5, 0.25, true, "end"}, `=main.mixed{small: -5, ratio: ‹X0›, flag: true, name: "end"}`), of(point{-1, 2}, "=main.point{x: -1, y: 2}"))
	n, s := 5, "five"
	tell("main.pointers", "args", pointers, of(p, "a=&main.point{x: 1, y: -2}"), of((*point)(nil), "b=nil"), of(&n, "c=&5"), of(&s, `d=&"five"`),
		of(&p, "e=&*main.point(0x)"), of(&node{1, &node{2, nil}}, "f=&main.node{value: 1, next: *main.node(0x)}"), of(&empty{}, "g=*main.empty(0x)"),
		of(unsafe.Pointer(uintptr(0x1f)), "h=0x1f"))
	r := &request{base: base{7, []string{"x", "y"}}, Method: "GET", URL: &url{"http", "/"}, Body: []byte("body"), Codes: [6]uint16{1, 2, 3, 4, 5, 6},
		Done: make(chan struct{}, 2), Header: map[string][]string{"a": nil}, Fail: &fault{1, "f"}, Last: 9}
	tell("main.handle", "args", handle,
		of(r, `r=&main.request{base: main.base{ID: 7, Tags: []string{"x", "y"}}, Method: "GET", URL: *main.url(0x), Body: []byte("body"), mu: `+mutex()+
			`, Codes: [6]uint16{1, 2, 3, 4, …+2}, Done: chan struct {}(len 0, cap 2), Header: map[string][]string{…+1}, Fail: *main.fault(), Far: [5000]uint8{0, 0, 0, 0, …+4996}, Last: 9}`),
		of(&many{a0: 1, c9: 2}, "s=&main.many{a0: 1, a1: 0, a2: 0, a3: 0, a4: 0, a5: 0, a6: 0, a7: 0, a8: 0, a9: 0, b0: 0, b1: 0, b2: 0, b3: 0, b4: 0, b5: 0, b6: 0, b7: 0, b8: 0, b9: 0, c0: 0, c1: 0, c2: 0, c3: 0, c4: 0, c5: 0, c6: 0, c7: 0, c8: 0, c9: 2, d0: 0, …+9}"),
		of(&l, "l=&"+shownLarge))
	tell("main.nothing", "args", nothing)
	keep = append(keep, internals)
	tell("main.sameOne", "args", sameOne, of(p, "a=&main.point{x: 1, y: -2}"), of("s", `s="s"`), of((chan int)(nil), "c=nil"), of(int32(1), "n=1"))
	tell("main.sameTwo", "args", sameTwo, of(&dot{1, 2}, "b=&main.dot{left: 1, right: 2}"), of(plain("s"), `name="s"`), of((<-chan bool)(nil), "done=nil"), of(uint8(1), "n=1"))
	tell("main.fair", "args", fair, of([]string{text64, "b", "c", "d"}, `a=[]string{"`+text64+`", "b", "c", "d"}`), of([]string{text64}, `b=[]string{"`+text64+`"}`), of(1, "c=1"))
	name, total := "n", new(int)
	tell("main.closure.func1", "args", closure(&name, total), of("x", `x="x"`), of(total, "total=&0"), of(name, `shared="n"`))
	at := time.Unix(1714979289, 5)
	tell("main.times", "args", times, of(1500*time.Millisecond, "a=1.5s"), of(at, "b=1714979289.000000005"), of(&at, "c=&1714979289.000000005"),
		of([]time.Duration{1, 2}, "d=[]time.Duration{1ns, 2ns}"))
	tell("main.interfaces", "args", interfaces, of(any(nil), "a=nil"), of(any("dyn"), `b=string("dyn")`), of(error(nil), "c=nil"),
		of(error(&fault{3, "bad"}), "d=*main.fault(3)"), of(error(plain("text")), `e=main.plain("text")`))
	tell("main.interfaces", "ret", interfaces, of(any(int64(-1)), "=int64(-1)"), of(errors.New("broken"), `=*errors.errorString("broken")`))
	tell("main.stringers", "args", stringers, of(fmt.Stringer(time.Second), "a=time.Duration(1000000000)"), of(any(point{4, 5}), "b=main.point(4)"), of(any(p), "c=*main.point(1)"))
	keep = append(keep, held)
	beside := any(padded{at: p})
	first := uint64(1)
	if data := (*(*[2]uintptr)(unsafe.Pointer(&beside)))[1]; data != uintptr(unsafe.Pointer(p)) {
		first = uint64(uintptr(unsafe.Pointer(p)))
	}
	waiting := make(chan int, 3)
	waiting <- 1
	waiting <- 1
	tell("main.direct", "args", direct, of(any(carrier{p}), "a=main.carrier(1)"), of(error(carried{carrier{p}}), "b=main.carried(1)"), of(any(one{p}), "c=main.one(1)"),
		of(any(waits{waiting}), "d=main.waits(2)"), of(beside, "e=main.padded("+strconv.FormatUint(first, 10)+")"))
	list := names{"x"}
	tell("main.elsewhere", "args", elsewhere, of((*request)(nil), "a=nil"), of(any(point{5, 0}), "b=main.point(5)"), of(any(nil), "c=nil"),
		of(any(list), "d=main.names("+strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&list[0]))), 10)+")"), of(list, `e=main.names{"x"}`))
	captured := 5
	tell("main.funcs", "args", funcs, of(callback, "a=main.callback"), of(func(n int) int { captured++; return n }, "b=main.main.func1"), of((func())(nil), "c=nil"))
	c := make(chan int, 3)
	c <- 1
	tell("main.chans", "args", chans, of(c, "a=chan int(len 1, cap 3)"), of((chan int)(nil), "b=nil"), of((<-chan string)(make(chan string)), "c=<-chan string(len 0, cap 0)"))
	tell("main.spilled", "args", spilled, of(1, "a=1"), of(2, "b=2"), of(3, "c=3"), of(4, "d=4"), of(5, "e=5"), of(6, "f=6"), of(7, "g=7"), of(8, "h=8"), of(9, "i=9"),
		of(10, "j=10"), of(11, "k=11"), of("twelve", `l="twelve"`), of(point{13, 14}, "m=main.point{x: 13, y: 14}"), of([]byte("fifteen"), `n=[]byte("fifteen")`))
	tell("main.spilled", "ret", spilled, of(1, "o=1"), of(2, "p=2"), of(3, "q=3"), of(4, "r=4"), of(5, "s=5"), of(6, "t=6"), of(7, "u=7"), of(8, "v=8"), of(9, "w=9"),
		of(10, "x=10"), of(11, "y=11"), of("twelve", `z="twelve"`))
	var lots []arg
	for i := 0; i < 40; i++ {
		name := string(rune('a'+i/10)) + strconv.Itoa(i%10)
		switch {
		case i < 25:
			lots = append(lots, of(text64, name+"="+quoted(text64[:32])+"…+32"))
		case i == 25:
			lots = append(lots, of(text64, name+"="+quoted(text64[:8])+"…+56"))
		default:
			lots = append(lots, of(text64, name+"=‹no room›"))
		}
	}
	tell("main.tooMany", "args", tooMany, lots...)
	shape, old := "go.shape.int", strings.HasPrefix(runtime.Version(), "go1.19")
	if old {
		shape += "_0"
	}
	tell("main.generic", "args", generic[int], of(5, "a=5"), of(pair[int]{1, 2}, "b=main.pair["+shape+"]{first: 1, second: 2}"), of([]int{1}, "c=[]"+shape+"{1}"))
	shape = strings.Replace(shape, "int", "*uint8", 1)
	tell("main.genericPointers", "args", genericPointers[*point], of(p, "a="+shape+"(0x)"), of([]*point{p, nil}, "b=[]"+shape+"{"+shape+"(0x), nil}"),
		of(&pair[*point]{first: p}, "c=&main.pair["+shape+"]{first: "+shape+"(0x), second: nil}"))
	if old {
		// It does not list what has no name.
		tell("main.unnamed", "args", unnamed, of("b", `b="b"`))
	} else {
		tell("main.unnamed", "args", unnamed, of(1, "_=1"), of("b", `b="b"`), of(true, "_=true"))
	}
	tell("main.unnamed", "ret", unnamed, of(1, "=1"), of("b", `="b"`))
	maps()
	fmt.Fprintln(out, "end")
	out.Flush()
	io.Copy(io.Discard, os.Stdin)
	for _, k := range keep {
		_ = k
	}
}

// mutex is what a sync.Mutex looks like in this version of Go.
func mutex() string {
	if unsafe.Sizeof(sync.Mutex{}) != 8 {
		panic("a mutex is of another size")
	}
	if fields(sync.Mutex{}) == 2 {
		return "sync.Mutex{state: 0, sema: 0}"
	}
	return "sync.Mutex{mu: sync.Mutex{state: 0, sema: 0}}"
}
