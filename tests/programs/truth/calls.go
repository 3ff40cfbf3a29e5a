package main

import "programs/rec"

// calls: nested calls of every plain shape, three graphs on the main goroutine.
func calls() {
	g := rec.New()
	outer(g, plain)
	leaf(g) // outside a graph
	outer(g, leaf)
	outer(g, again)
	rec.Print("calls")
}

//go:noinline
func plain(g *rec.G) {
	c := g.Enter("main.plain")
	leaf(g)
	middle(g, 3)
	for i := 0; i < 20; i++ {
		leaf(g)
	}
	fibonacci(g, 7)
	g.Leaf("main.empty")
	empty()
	g.Leaf("main.add")
	sink += add(sink, 1)
	if even(g, 5) {
		leaf(g)
	}
	middle(g, 1)
	g.Leave(c)
}

// again calls the target inside a graph, which makes it an ordinary call.
//
//go:noinline
func again(g *rec.G) {
	c := g.Enter("main.again")
	outer(g, leaf)
	outer(g, plain)
	g.Leave(c)
}

//go:noinline
func middle(g *rec.G, n int) {
	c := g.Enter("main.middle")
	for i := 0; i < n; i++ {
		leaf(g)
		middle(g, i)
	}
	g.Leave(c)
}

//go:noinline
func leaf(g *rec.G) {
	c := g.Enter("main.leaf")
	sink++
	g.Leave(c)
}

//go:noinline
func fibonacci(g *rec.G, n int) int {
	c := g.Enter("main.fibonacci")
	if n < 2 {
		g.Leave(c) // a second way out
		return n
	}
	sum := fibonacci(g, n-1) + fibonacci(g, n-2)
	g.Leave(c)
	return sum
}

//go:noinline
func even(g *rec.G, n int) bool {
	c := g.Enter("main.even")
	result := n == 0 || odd(g, n-1)
	g.Leave(c)
	return result
}

//go:noinline
func odd(g *rec.G, n int) bool {
	c := g.Enter("main.odd")
	result := n != 0 && even(g, n-1)
	g.Leave(c)
	return result
}

// empty is nothing but a return instruction.
//
//go:noinline
func empty() {}

// add needs no stack and so has no stack check.
//
//go:noinline
func add(a, b int) int { return a + b }

var sink int

// recursion N: N calls one in another, on a goroutine whose stack has to grow for them, then N-1 more after a shallow one.
func recursion() {
	n := number(1, 10000)
	rec.Go(func(g *rec.G) {
		outer(g, func(g *rec.G) {
			c := g.Enter("main.recursion.func1.1")
			descend(g, n)
			leaf(g)
			descend(g, n-1)
			g.Leave(c)
		})
	})
	rec.Wait()
	rec.Print("recursion")
}

//go:noinline
func descend(g *rec.G, n int) int {
	c := g.Enter("main.descend")
	var frame [16]int
	frame[n%16] = n
	if n > 1 {
		sink += descend(g, n-1)
	}
	g.Leave(c)
	return frame[(n+1)%16]
}
