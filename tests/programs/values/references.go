package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unsafe"
)

type node struct {
	value int
	next  *node
}

type list struct {
	head **node
	size int
}

func references() {
	n, chain := 5, &node{1, &node{2, &node{3, nil}}}
	p := &n
	pointers(p, &p, chain, nil)
	ring := &node{8, nil}
	ring.next = &node{9, ring}
	cyclic(ring)
	deep(&list{&chain, 3})
	maps(map[string]int{"a": 1, "b": -2}, map[int]point{3: {4, 5}}, map[string]bool{}, nil)
	large(squares(100))
	c := make(chan int, 3)
	c <- 1
	channels(c, make(chan string), nil, c)
	functions(callback, strconv.Itoa, nil)
	raw(unsafe.Pointer(p), nil)
	var db store
	db.put("k", 5)
	db.get("k")
	store{name: "copy"}.describe(2)
	escaping(3, point{4, 5})
}

//go:noinline
func pointers(a *int, b **int, c *node, d *point) *int {
	r := &c.next.value
	say("main.pointers", args(is("a", a), is("b", b), is("c", c), is("d", d)), results(is("", r)))
	return r
}

//go:noinline
func cyclic(a *node) (next *node) {
	next = a.next
	say("main.cyclic", args(is("a", a)), results(is("next", next)))
	return next
}

//go:noinline
func deep(l *list) int {
	r := (*l.head).next.next.value
	say("main.deep", args(is("l", l)), results(is("", r)))
	return r
}

func squares(n int) map[int]string {
	all := make(map[int]string)
	for i := 0; i < n; i++ {
		all[i] = strconv.Itoa(i * i)
	}
	return all
}

//go:noinline
func maps(a map[string]int, b map[int]point, empty map[string]bool, none map[string]string) map[string]int {
	r := map[string]int{"sum": a["a"] + a["b"] + b[3].x}
	say("main.maps", args(is("a", a), is("b", b), is("empty", empty), is("none", none)), results(is("", r)))
	return r
}

//go:noinline
func large(m map[int]string) int {
	say("main.large", args(is("m", m)), results(is("", len(m))))
	return len(m)
}

//go:noinline
func channels(a chan int, b chan string, none chan bool, receive <-chan int) chan<- int {
	r := (chan<- int)(a)
	say("main.channels", args(is("a", a), is("b", b), is("none", none), is("receive", receive)), results(is("", r)))
	return r
}

//go:noinline
func callback(n int) string {
	r := strconv.Itoa(n)
	say("main.callback", args(is("n", n)), results(is("", r)))
	return r
}

//go:noinline
func functions(a, b, c func(int) string) (func(int) string, string) {
	r := a(5)
	say("main.functions", args(is("a", a), is("b", b), is("c", c)), results(is("", b), is("", r)))
	return b, r
}

//go:noinline
func raw(a, b unsafe.Pointer) uintptr {
	r := uintptr(b)
	say("main.raw", args(is("a", a), is("b", b)), results(is("", r)))
	return r
}

type store struct {
	name  string
	items map[string]int
}

//go:noinline
func (s *store) put(key string, value int) {
	before := args(is("s", s), is("key", key), is("value", value))
	if s.items == nil {
		s.items = make(map[string]int)
	}
	s.items[key] = value
	say("main.(*store).put", before, nil)
}

//go:noinline
func (s *store) get(key string) (value int, ok bool) {
	value, ok = s.items[key]
	say("main.(*store).get", args(is("s", s), is("key", key)), results(is("value", value), is("ok", ok)))
	return value, ok
}

//go:noinline
func (s store) describe(n int) string {
	r := s.name + strconv.Itoa(n)
	say("main.store.describe", args(is("s", s), is("n", n)), results(is("", r)))
	return r
}

// escaping moves its arguments to the heap.
//
//go:noinline
func escaping(n int, p point) (*int, *point) {
	say("main.escaping", args(is("n", n), is("p", p)), results(is("", &n), is("", &p)))
	return &n, &p
}

var errZero = errors.New("division by zero")

// statusError is an error that is a value, codeError one that is a number, *pathError one that is a pointer.
type statusError struct {
	code int
	text string
}

type codeError int

type pathError struct {
	path string
	err  error
}

func (e statusError) Error() string { return strconv.Itoa(e.code) + " " + e.text }
func (e codeError) Error() string   { return "code " + strconv.Itoa(int(e)) }
func (e *pathError) Error() string  { return e.path + ": " + e.err.Error() }

func interfaces() {
	anything(5)
	anything(int64(-1))
	anything("text")
	anything(true)
	anything(2.5)
	anything(nil)
	anything(point{1, 2})
	anything(&point{3, 4})
	anything((*point)(nil))
	anything([]string{"a"})
	anything(map[string]int{"k": 1})
	anything(callback)
	anything(red)
	anything(1500 * time.Millisecond)
	anything(struct{}{})
	anything([1]*int{nil})
	fails(nil)
	fails(errZero)
	fails(statusError{404, "not found"})
	fails(codeError(7))
	fails(&pathError{"/etc", errZero})
	fails((*pathError)(nil))
	fails(fmt.Errorf("wrapped: %w", errZero))
	stringers(time.Second, red, nil)
	several([]any{1, "two", nil, 3.5}, map[string]any{"k": point{5, 6}})
}

//go:noinline
func anything(a any) any {
	say("main.anything", args(is("a", a)), results(is("", a)))
	return a
}

//go:noinline
func fails(err error) (failed bool, same error) {
	failed, same = err != nil, err
	say("main.fails", args(is("err", err)), results(is("failed", failed), is("same", same)))
	return failed, same
}

//go:noinline
func stringers(a, b, c fmt.Stringer) string {
	r := a.String() + b.String()
	say("main.stringers", args(is("a", a), is("b", b), is("c", c)), results(is("", r)))
	return r
}

//go:noinline
func several(a []any, b map[string]any) any {
	r := a[1]
	say("main.several", args(is("a", a), is("b", b)), results(is("", r)))
	return r
}
