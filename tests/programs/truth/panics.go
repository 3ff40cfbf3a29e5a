package main

import (
	"fmt"
	"os"

	"programs/rec"
)

// panics [DEEPEST]: recovered ones, from up to DEEPEST (60) calls below. A function that recovers returns without reaching the end of its body, so its deferred function that runs last
// records that it leaves.
func panics() {
	g := rec.New()
	for _, depth := range []int{0, 1, 5, number(1, 60)} {
		depth := depth
		outer(g, func(g *rec.G) {
			c := g.Enter("main.panics.func1")
			leaf(g)
			recovers(g, depth)
			leaf(g)
			g.Leave(c)
		})
	}
	bodies := []func(*rec.G){
		faults, recoversAgain, panicsInDefer, panicsInDeferAtReturn, recoversInTheMiddle, recoversWhilePanicking, passes, panicsNot, namedDefer,
		nilReceiver,
	}
	for _, body := range bodies {
		outer(g, body)
	}
	outer(g, func(g *rec.G) {
		c := g.Enter("main.panics.func2")
		for _, body := range bodies {
			body(g)
			leaf(g)
		}
		g.Leave(c)
	})
	rec.Print("panics")
}

//go:noinline
func boom(g *rec.G, depth int) {
	c := g.Enter("main.boom")
	if depth == 0 {
		panic("boom")
	}
	boom(g, depth-1)
	g.Leave(c)
}

//go:noinline
func recovers(g *rec.G, depth int) {
	c := g.Enter("main.recovers")
	defer func() {
		d := g.Enter("main.recovers.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	boom(g, depth)
}

// faults recovers panics that the runtime raises, one of them from a signal.
//
//go:noinline
func faults(g *rec.G) {
	c := g.Enter("main.faults")
	for kind := 0; kind < 4; kind++ {
		recoversFault(g, kind)
	}
	g.Leave(c)
}

//go:noinline
func recoversFault(g *rec.G, kind int) {
	c := g.Enter("main.recoversFault")
	defer func() {
		d := g.Enter("main.recoversFault.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	fault(g, kind, nil, nil)
}

//go:noinline
func fault(g *rec.G, kind int, pointer *int, list []int) {
	c := g.Enter("main.fault")
	switch kind {
	case 0:
		sink += *pointer
	case 1:
		sink += list[kind]
	case 2:
		sink /= len(list)
	case 3:
		sink += any(list).(int)
	}
	g.Leave(c)
}

// recoversAgain: the deferred function in between recovers and panics anew.
//
//go:noinline
func recoversAgain(g *rec.G) {
	c := g.Enter("main.recoversAgain")
	defer func() {
		d := g.Enter("main.recoversAgain.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	panicsAgain(g)
}

//go:noinline
func panicsAgain(g *rec.G) {
	c := g.Enter("main.panicsAgain")
	defer func() {
		g.Enter("main.panicsAgain.func1")
		leaf(g)
		if recover() != nil {
			panic("again")
		}
	}()
	boom(g, 2)
	g.Leave(c)
}

// panicsInDefer: the second panic takes the first one's place.
//
//go:noinline
func panicsInDefer(g *rec.G) {
	c := g.Enter("main.panicsInDefer")
	defer func() {
		d := g.Enter("main.panicsInDefer.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	defer func() {
		g.Enter("main.panicsInDefer.func2")
		boom(g, 1)
	}()
	boom(g, 3)
}

// panicsInDeferAtReturn: the body is through, and then a deferred function panics.
//
//go:noinline
func panicsInDeferAtReturn(g *rec.G) {
	c := g.Enter("main.panicsInDeferAtReturn")
	defer func() {
		d := g.Enter("main.panicsInDeferAtReturn.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	defer func() {
		g.Enter("main.panicsInDeferAtReturn.func2")
		boom(g, 1)
	}()
	leaf(g)
}

// recoversInTheMiddle: of six deferred functions the third to run recovers; the others run after that, as calls of this function.
//
//go:noinline
func recoversInTheMiddle(g *rec.G) {
	c := g.Enter("main.recoversInTheMiddle")
	for i := 0; i < 6; i++ {
		i := i
		defer func() {
			d := g.Enter("main.recoversInTheMiddle.func1")
			leaf(g)
			if i == 3 && recover() != nil {
				g.Recovered(d, c)
			}
			g.Leave(d)
			if i == 0 {
				g.Leave(c)
			}
		}()
	}
	boom(g, 2)
}

// recoversWhilePanicking: a deferred function has a recovered panic of its own, then recovers the one that runs it.
//
//go:noinline
func recoversWhilePanicking(g *rec.G) {
	c := g.Enter("main.recoversWhilePanicking")
	defer func() {
		d := g.Enter("main.recoversWhilePanicking.func1")
		recovers(g, 2)
		leaf(g)
		if recover() != nil {
			g.Recovered(d, c)
		}
		recovers(g, 1)
		g.Leave(d)
		g.Leave(c)
	}()
	boom(g, 1)
}

// passes: a panic runs the deferred functions of many frames before one recovers.
//
//go:noinline
func passes(g *rec.G) {
	c := g.Enter("main.passes")
	defer func() {
		d := g.Enter("main.passes.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	passesOn(g, 10)
}

//go:noinline
func passesOn(g *rec.G, n int) {
	c := g.Enter("main.passesOn")
	defer func() {
		d := g.Enter("main.passesOn.func1")
		leaf(g)
		g.Leave(d)
	}()
	if n == 0 {
		boom(g, 2)
	}
	passesOn(g, n-1)
	g.Leave(c)
}

// panicsNot has deferred functions of which one would recover, and no panic.
//
//go:noinline
func panicsNot(g *rec.G) {
	c := g.Enter("main.panicsNot")
	defer func() {
		d := g.Enter("main.panicsNot.func1")
		g.Leave(d)
		g.Leave(c)
	}()
	for i := 0; i < 3; i++ {
		defer func() {
			d := g.Enter("main.panicsNot.func2")
			sink += len(fmt.Sprint(recover()))
			g.Leave(d)
		}()
	}
	leaf(g)
}

var named struct {
	g *rec.G
	c *rec.Call
}

// namedDefer defers a function that is no closure.
//
//go:noinline
func namedDefer(g *rec.G) {
	named.g, named.c = g, g.Enter("main.namedDefer")
	defer deferred()
	boom(g, 1)
}

//go:noinline
func deferred() {
	g := named.g
	d := g.Enter("main.deferred")
	if recover() != nil {
		g.Recovered(d, named.c)
	}
	g.Leave(d)
	g.Leave(named.c)
}

// nilReceiver panics in a function that the compiler made.
//
//go:noinline
func nilReceiver(g *rec.G) {
	c := g.Enter("main.nilReceiver")
	defer func() {
		d := g.Enter("main.nilReceiver.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	anAreaer = (*point)(nil)
	g.Wrapper("main.(*point).area")
	anAreaer.area(g)
}

// crash: nobody recovers. The record is printed before, so its calls are open.
func crash() {
	g := rec.New()
	outer(g, func(g *rec.G) {
		g.Enter("main.crash.func1")
		leaf(g)
		printsAndPanics(g)
	})
}

//go:noinline
func printsAndPanics(g *rec.G) {
	g.Enter("main.printsAndPanics")
	rec.Print("crash")
	panic("crash")
}

// exit: the process ends inside a graph.
func exits() {
	g := rec.New()
	outer(g, leaf)
	outer(g, func(g *rec.G) {
		g.Enter("main.exits.func1")
		leaf(g)
		printsAndExits(g)
	})
}

//go:noinline
func printsAndExits(g *rec.G) {
	g.Enter("main.printsAndExits")
	rec.Print("exit")
	os.Exit(0)
}
