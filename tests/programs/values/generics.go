package main

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
