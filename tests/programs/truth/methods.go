package main

import "programs/rec"

type areaer interface{ area(*rec.G) int }

type mover interface{ move(*rec.G, int) }

type point struct{ x, y int }

//go:noinline
func (p point) area(g *rec.G) int {
	c := g.Enter("main.point.area")
	leaf(g)
	g.Leave(c)
	return p.x * p.y
}

//go:noinline
func (p *point) move(g *rec.G, by int) {
	c := g.Enter("main.(*point).move")
	p.x += by
	p.y += by
	leaf(g)
	g.Leave(c)
}

// A holder has the methods of a pointer that it embeds at its start.
type holder struct {
	*point
	tag string
}

// An embedder has the methods of an interface value that it embeds, whatever is in it.
type embedder struct {
	tag string
	mover
}

// methods: called directly, through interfaces, and as values. Where the compiler puts a function of its own between caller and method, the
// record has it as a wrapper.
func methods() {
	g := rec.New()
	outer(g, direct)
	outer(g, throughInterfaces)
	outer(g, values)
	rec.Print("methods")
}

//go:noinline
func direct(g *rec.G) {
	c := g.Enter("main.direct")
	p := &point{2, 3}
	p.move(g, 1)
	sink += p.area(g)
	h := holder{p, "h"}
	h.move(g, 2)
	sink += h.area(g)
	g.Leave(c)
}

// Global variables, so that the compiler does not know what is in them.
var (
	anAreaer areaer
	aMover   mover
	anArea   func(*rec.G) int
	aMove    func(*rec.G, int)
)

//go:noinline
func throughInterfaces(g *rec.G) {
	c := g.Enter("main.throughInterfaces")
	p := &point{2, 3}
	aMover = p
	aMover.move(g, 1)
	for _, anAreaer = range []areaer{p, *p} {
		w := g.Wrapper("main.(*point).area")
		sink += anAreaer.area(g)
		g.Leave(w)
	}
	g.Leave(c)
}

//go:noinline
func values(g *rec.G) {
	c := g.Enter("main.values")
	p := &point{2, 3}
	aMove = p.move
	w := g.Wrapper("main.(*point).move-fm")
	aMove(g, 1)
	g.Leave(w)

	anArea = p.area
	w = g.Wrapper("main.point.area-fm")
	sink += anArea(g)
	g.Leave(w)

	aMover = p
	aMove = aMover.move
	w = g.Wrapper("main.mover.move-fm")
	aMove(g, 1)
	g.Leave(w)

	expression := (*point).move
	expression(p, g, 1)
	g.Leave(c)
}

// tail: calls that end in a jump to another function instead of a return.
func tail() {
	g := rec.New()
	outer(g, promoted)
	outer(g, jumps)
	rec.Print("tail")
}

// promoted calls methods of embedded fields; the compiler's functions for them jump to the methods. Up to Go 1.26 the one for an embedded
// interface calls it.
//
//go:noinline
func promoted(g *rec.G) {
	c := g.Enter("main.promoted")
	p := &point{2, 3}
	h := holder{p, "h"}
	for _, aMover = range []mover{h, &h} {
		w := g.Wrapper("main.(*holder).move")
		aMover.move(g, 1)
		g.Leave(w)
	}
	e := embedder{"e", p}
	for _, aMover = range []mover{e, &e} {
		w := g.Wrapper("main.(*embedder).move")
		aMover.move(g, 1)
		g.Leave(w)
	}
	leaf(g)
	g.Leave(c)
}
