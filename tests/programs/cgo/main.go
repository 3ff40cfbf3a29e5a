// Command cgo calls C, which calls back, and prints what it called, as package rec describes.
package main

/*
extern int callback(int);
static int add(int a, int b) { return a + b; }
static int call(int a) { return callback(a) + 1; }
*/
import "C"

import "programs/rec"

var (
	record *rec.G
	sink   int
)

func main() {
	rec.Go(func(g *rec.G) {
		record = g
		for i := 0; i < 3; i++ {
			outer(g, crosses)
		}
		outer(g, recovers)
	})
	rec.Wait()
	rec.Print("cgo")
}

//go:noinline
func outer(g *rec.G, body func(*rec.G)) {
	c := g.Enter(rec.Root)
	body(g)
	g.Leave(c)
}

//go:noinline
func crosses(g *rec.G) {
	c := g.Enter("main.crosses")
	for i := 0; i < 5; i++ {
		w := g.Wrapper("main._Cfunc_add")
		sink += int(C.add(C.int(i), 2))
		g.Leave(w)
		w = g.Wrapper("main._Cfunc_call")
		sink += int(C.call(C.int(i)))
		g.Leave(w)
	}
	g.Leave(c)
}

//export callback
func callback(n C.int) C.int {
	g := record
	c := g.Enter("main.callback")
	inner(g, int(n))
	g.Leave(c)
	return n
}

// inner goes into C and back again a few times more, then may panic.
//
//go:noinline
func inner(g *rec.G, n int) {
	c := g.Enter("main.inner")
	switch {
	case n >= 100:
		panic("inner")
	case n > 3:
		w := g.Wrapper("main._Cfunc_call")
		sink += int(C.call(C.int(n - 2)))
		g.Leave(w)
	}
	g.Leave(c)
}

// recovers recovers a panic that comes through C.
//
//go:noinline
func recovers(g *rec.G) {
	c := g.Enter("main.recovers")
	defer func() {
		d := g.Enter("main.recovers.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	g.Wrapper("main._Cfunc_call")
	sink += int(C.call(C.int(100)))
}
