// Command asserted has interfaces that hold values of types which are written in many ways.
package main

import (
	"os"

	alog "programs/asserted/a/log"
	blog "programs/asserted/b/log"
	"programs/asserted/dotted.v2"
)

type T struct{ x int }

type pair[A, B any] struct {
	a A
	b B
}

//go:noinline
func show(id int, v any) { _ = id }

//go:noinline
func fail(id int, err error) { _ = id }

//go:noinline
func both(a *alog.Error, b []blog.Error, only alog.Only) { _, _, _ = a, b, only }

//go:noinline
func composed(v any) { _ = v }

func one(id int) {
	type twice struct{ v int }
	show(id, twice{id})
}

func other(id int) {
	type twice struct{ v int }
	show(id, twice{id})
}

type method interface{ m(int) string }

func main() {
	show(1, struct{ p *T }{&T{4}})
	gen(2, len(os.Args))
	one(3)
	other(4)
	show(5, pair[int, *alog.Only]{1, nil})
	show(6, map[string][]*T{"a": nil})
	show(7, make(chan struct{ a, b int }, 1))
	show(8, [2]struct{ p *T }{})
	show(9, &dotted.Node{1})
	show(10, func(int, *T) (string, error) { return "", nil })
	show(11, []interface{ m(int) string }{nil})
	show(12, (<-chan *T)(nil))
	show(13, alog.Hidden)
	show(14, alog.Embedded)
	show(15, []byte("x"))
	show(16, map[rune]any{'x': 1})
	show(17, struct {
		A int "json:\"a/b.c\""
		b []string
	}{1, nil})
	show(18, func(...string) {})
	show(19, &alog.Only{1})
	show(20, []method{nil})
	fail(21, &alog.Error{5})
	fail(22, &blog.Error{6})
	composed(map[alog.Error]int{{1}: 2})
	composed(map[blog.Error]int{{1}: 2})
	composed(make(chan *alog.Error))
	composed([1]blog.Error{{8}})
	composed(map[alog.Only]int{{1}: 2})
	both(&alog.Error{7}, []blog.Error{{8}}, alog.Only{9})
}
