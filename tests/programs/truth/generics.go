package main

import "programs/rec"

// generics: functions and methods with type parameters. Names are recorded as Go 1.19 has them, with "[...]" for the type arguments.
func generics() {
	g := rec.New()
	outer(g, instances)
	rec.Print("generics")
}

//go:noinline
func instances(g *rec.G) {
	c := g.Enter("main.instances")
	numbers := []int{1, 2, 3}
	words := convert(g, numbers, func(n int) string {
		c := g.Enter("main.instances.func1")
		leaf(g)
		g.Leave(c)
		return "xxx"[:n]
	})
	lengths := convert(g, words, func(s string) int {
		c := g.Enter("main.instances.func2")
		g.Leave(c)
		return len(s)
	})
	var s stack[point]
	s.push(g, point{lengths[0], lengths[1]})
	var t stack[string]
	t.push(g, words[0])
	t.push(g, words[1])
	sink += deepest(g, 5, point{1, 2}).x + len(deepest(g, 3, "s"))
	w := g.Wrapper("main.(*stack[...]).push")
	aPusher = &t
	aPusher.push(g, words[2])
	g.Leave(w)
	g.Leave(c)
}

//go:noinline
func convert[T, U any](g *rec.G, from []T, f func(T) U) []U {
	c := g.Enter("main.convert[...]")
	var to []U
	for _, value := range from {
		to = append(to, f(value))
	}
	g.Leave(c)
	return to
}

//go:noinline
func deepest[T any](g *rec.G, n int, value T) T {
	c := g.Enter("main.deepest[...]")
	if n > 0 {
		value = deepest(g, n-1, value)
	}
	g.Leave(c)
	return value
}

type stack[T any] struct{ values []T }

//go:noinline
func (s *stack[T]) push(g *rec.G, value T) {
	c := g.Enter("main.(*stack[...]).push")
	s.values = append(s.values, value)
	leaf(g)
	g.Leave(c)
}

type pusher[T any] interface{ push(*rec.G, T) }

// A global variable, so that the compiler does not know what is in it.
var aPusher pusher[string]
