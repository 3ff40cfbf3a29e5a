package main

import "time"

type pair[K comparable, V any] struct {
	key   K
	value V
}

type cache[K comparable, V any] struct {
	items map[K]V
	last  pair[K, V]
}

type number interface{ ~int | ~int32 | ~float64 }

func generics() {
	identity("main.identity[string]", "generic")
	identity("main.identity[int]", 5)
	identity("main.identity[meters]", meters(6))
	identity("main.identity[float64]", 2.5)
	identity("main.identity[point]", point{1, 2})
	identity("main.identity[*point]", &point{3, 4})
	identity("main.identity[error]", error(codeError(3)))
	sum([]int{1, 2, 3}, 10)
	sum([]float64{0.5, 0.25}, 1)
	convert([]int{1, 2}, callback)
	c := &cache[string, int]{items: map[string]int{"a": 1}}
	c.get("a", true)
	d := &cache[int, float64]{items: map[int]float64{2: 0.5}}
	d.get(2, false)
	pair[string, point]{"p", point{5, 6}}.swap(3)
	pair[int8, bool]{-4, true}.swap(4)
	sharing()
}

type (
	meters8 int8
	flags16 uint16
	share   float32
	wave    complex64
	yes     bool
	tag     string
	packet  []byte
	digits  []octet8
	octet8  byte
	four    [4]octet8
	grid    [2][2]point
	index   map[tag]seconds
	pipe    chan point
	seconds time.Duration
	mapper  func(int) tag
	moment  struct {
		at   time.Time
		took time.Duration
	}
	link[T any] struct {
		value T
		next  *link[T]
	}
	labelled[T any] struct {
		pair[tag, T]
		list []T
	}
)

var (
	aTag   = tag("behind a pointer")
	aPoint = &point{1, 2}
)

// sharing calls generic functions with types that share their shapes with others.
func sharing() {
	identity("main.identity[time.Duration]", 1500*time.Millisecond)
	identity("main.identity[seconds]", seconds(time.Second))
	identity("main.identity[int64]", int64(1500000000))
	identity("main.identity[time.Time]", time.Unix(1700000000, 5))
	identity("main.identity[moment]", moment{time.Unix(1700000000, 0), time.Minute})
	identity("main.identity[meters8]", meters8(-3))
	identity("main.identity[flags16]", flags16(0xffff))
	identity("main.identity[uintptr]", uintptr(0xabcd))
	identity("main.identity[wave]", wave(complex(1, -2)))
	identity("main.identity[yes]", yes(true))
	identity("main.identity[tag]", tag("a tag"))
	identity("main.identity[packet]", packet("raw bytes"))
	identity("main.identity[[]byte]", []byte("bytes"))
	identity("main.identity[digits]", digits{1, 2, 3})
	identity("main.identity[four]", four{1, 2, 3, 4})
	identity("main.identity[grid]", grid{{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}})
	identity("main.identity[index]", index{"a": 1, "b": 2})
	identity("main.identity[pipe]", make(pipe, 3))
	identity("main.identity[mapper]", mapper(toTag))
	identity("main.identity[any]", any(tag("held")))
	identity("main.identity[error]", error(nil))
	identity("main.identity[struct]", struct{ A, B tag }{"a", "b"})
	identity("main.identity[*seconds]", new(seconds))
	identity("main.identity[*time.Time]", &time.Time{})
	identity("main.identity[*tag]", &aTag)
	identity("main.identity[*labelled]", &labelled[seconds]{pair: pair[tag, seconds]{"k", 5}, list: []seconds{6}})
	identity("main.identity[*wide]", &wide{a: 1, b: 2, i: 9, j: 10, name: "wide"})
	identity("main.identity[*[4]octet8]", &four{1, 2, 3, 4})
	identity("main.identity[**point]", &aPoint)
	identity("main.identity[*map]", &index{"a": 1})
	identity("main.identity[nil]", (*point)(nil))
	identity("main.identity[link]", link[seconds]{value: 1, next: &link[seconds]{value: 2}})
	identity("main.identity[[3]seconds]", [3]seconds{1, 2, 3})
	identity("main.identity[[]index]", []index{{"x": 1}, nil})
	listOf([]seconds{1, 2}, map[string]seconds{"b": 2}, 3)
	listOf([]tag{"a"}, map[string]tag{"b": "c"}, "d")
	listOf([]octet8{1, 2, 3, 4, 5, 6, 7, 8, 9}, map[string]octet8{"b": 2}, 3)
	listOf([]byte("text"), map[string]byte{"b": 2}, 3)
	listOf([]moment{{took: 1}}, nil, moment{time.Unix(0, 0), 2})
	listOf([]pipe{nil}, nil, nil)
	listOf([]mapper{toTag}, map[string]mapper{"m": toTag}, nil)
	e := &cache[tag, seconds]{items: map[tag]seconds{"a": 1}, last: pair[tag, seconds]{"l", 2}}
	e.get("a", true)
	pair[tag, seconds]{"p", 5}.swap(5)
	pair[time.Duration, []tag]{time.Hour, []tag{"x"}}.swap(6)
	last[seconds](1)
	last[int64](2)
	last[tag](3)
	(&link[time.Duration]{value: time.Second}).push(2 * time.Second)
	(&link[int64]{value: 3}).push(4)
	wrap(labelled[share]{pair: pair[tag, share]{"k", 0.5}, list: []share{1.5}})
	wrap(labelled[seconds]{pair: pair[tag, seconds]{"k", 5}, list: []seconds{6}})
	each([]time.Duration{time.Second})
	each([]seconds{1})
	ofFour[int, seconds, tag, moment](1, 2, "3", moment{}, &point{1, 2}, link[tag]{value: "v"})
}

//go:noinline
func toTag(n int) tag { return tag(rune(n)) }

// last has no argument of a type that it is given.
//
//go:noinline
func last[T any](n int) (list []T, one T) {
	list = make([]T, n)
	say("main.last[...]", args(is("n", n)), results(is("list", list), is("one", one)))
	return list, one
}

//go:noinline
func (n *link[T]) push(value T) *link[T] {
	r := &link[T]{value: value, next: n}
	say("main.(*link[...]).push", args(is("n", n), is("value", value)), results(is("", r)))
	return r
}

//go:noinline
func wrap[T any](l labelled[T]) (map[tag]labelled[T], int) {
	m := map[tag]labelled[T]{l.key: l}
	say("main.wrap[...]", args(is("l", l)), results(is("", m), is("", len(m))))
	return m, len(m)
}

//go:noinline
func each[T any](list []T) (last T) {
	visit(func(n int) T {
		last = list[n]
		return last
	}, len(list))
	say("main.each[...]", args(is("list", list)), results(is("last", last)))
	return last
}

//go:noinline
func visit[T any](f func(int) T, n int) {
	for i := 0; i < n; i++ {
		f(i)
	}
}

//go:noinline
func ofFour[A, B, C, D any](a A, b B, c C, d D, p *point, n link[C]) (D, C, B, A, link[C]) {
	say("main.ofFour[...]", args(is("a", a), is("b", b), is("c", c), is("d", d), is("p", p), is("n", n)),
		results(is("", d), is("", c), is("", b), is("", a), is("", n)))
	return d, c, b, a, n
}

//go:noinline
func identity[T any](name string, x T) T {
	say("main.identity[...]", args(is("name", name), is("x", x)), results(is("", x)))
	return x
}

//go:noinline
func sum[T number](all []T, start T) (total T) {
	total = start
	for _, n := range all {
		total += n
	}
	say("main.sum[...]", args(is("all", all), is("start", start)), results(is("total", total)))
	return total
}

//go:noinline
func convert[A, B any](from []A, f func(A) B) []B {
	var to []B
	for _, a := range from {
		to = append(to, f(a))
	}
	say("main.convert[...]", args(is("from", from), is("f", f)), results(is("", to)))
	return to
}

//go:noinline
func (c *cache[K, V]) get(key K, quiet bool) (value V, ok bool) {
	value, ok = c.items[key]
	say("main.(*cache[...]).get", args(is("c", c), is("key", key), is("quiet", quiet)), results(is("value", value), is("ok", ok)))
	return value, ok
}

//go:noinline
func (p pair[K, V]) swap(n int) (V, K) {
	say("main.pair[...].swap", args(is("p", p), is("n", n)), results(is("", p.value), is("", p.key)))
	return p.value, p.key
}
