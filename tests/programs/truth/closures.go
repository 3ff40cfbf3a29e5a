package main

import "programs/rec"

// closures: function literals, called through variables and inside one another.
func closures() {
	g := rec.New()
	outer(g, literals)
	outer(g, func(g *rec.G) {
		c := g.Enter("main.closures.func1")
		apply(g, func(n int) {
			c := g.Enter("main.closures.func1.1")
			leaf(g)
			apply(g, func(n int) {
				c := g.Enter("main.closures.func1.1.1")
				sink += n
				leaf(g)
				g.Leave(c)
			})
			g.Leave(c)
		})
		g.Leave(c)
	})
	rec.Print("closures")
}

//go:noinline
func literals(g *rec.G) {
	c := g.Enter("main.literals")
	counter := 0
	count := func(n int) {
		c := g.Enter("main.literals.func1")
		counter += n
		if n > 1 {
			leaf(g)
		}
		g.Leave(c)
	}
	apply(g, count)
	apply(g, count)
	for i := 0; i < 4; i++ {
		apply(g, counting(g, i))
	}
	var factorial func(n int) int
	factorial = func(n int) int {
		c := g.Enter("main.literals.func2")
		result := 1
		if n > 1 {
			result = n * factorial(n-1)
		}
		g.Leave(c)
		return result
	}
	sink += factorial(6) + counter
	g.Leave(c)
}

//go:noinline
func apply(g *rec.G, f func(int)) {
	c := g.Enter("main.apply")
	f(2)
	g.Leave(c)
}

//go:noinline
func counting(g *rec.G, start int) func(int) {
	c := g.Enter("main.counting")
	counter := start
	f := func(n int) {
		c := g.Enter("main.counting.func1")
		counter += n
		leaf(g)
		sink += counter
		g.Leave(c)
	}
	g.Leave(c)
	return f
}
