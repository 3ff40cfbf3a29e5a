package main

import (
	"runtime"

	"programs/rec"
)

// goexit: goroutines that end by runtime.Goexit inside a graph. It runs the deferred functions on the stack of its caller.
func goexit() {
	for _, body := range []func(*rec.G){leaves, leavesThrough, leavesInDefer, leavesWhilePanicking, leavesAfterRecovering} {
		body := body
		rec.Go(func(g *rec.G) {
			outer(g, leaf)
			outer(g, body)
			leaf(g)
		})
		rec.Wait()
	}
	rec.Print("goexit")
}

//go:noinline
func leaves(g *rec.G) {
	g.Enter("main.leaves")
	runtime.Goexit()
}

//go:noinline
func leavesThrough(g *rec.G) {
	g.Enter("main.leavesThrough")
	defer func() {
		d := g.Enter("main.leavesThrough.func1")
		leaf(g)
		g.Leave(d)
	}()
	defersAndLeaves(g, 4)
}

//go:noinline
func defersAndLeaves(g *rec.G, n int) {
	g.Enter("main.defersAndLeaves")
	defer func() {
		d := g.Enter("main.defersAndLeaves.func1")
		middle(g, 2)
		g.Leave(d)
	}()
	if n == 0 {
		leaves(g)
	}
	defersAndLeaves(g, n-1)
}

// leavesInDefer ends the goroutine from a deferred function of a body that is through.
//
//go:noinline
func leavesInDefer(g *rec.G) {
	g.Enter("main.leavesInDefer")
	defer func() {
		d := g.Enter("main.leavesInDefer.func1")
		leaf(g)
		g.Leave(d)
	}()
	defer func() {
		g.Enter("main.leavesInDefer.func2")
		leaves(g)
	}()
	leaf(g)
}

// leavesWhilePanicking: a deferred function ends the goroutine, which ends the panic too.
//
//go:noinline
func leavesWhilePanicking(g *rec.G) {
	g.Enter("main.leavesWhilePanicking")
	defer func() {
		g.Enter("main.leavesWhilePanicking.func1")
		leaves(g)
	}()
	boom(g, 2)
}

// leavesAfterRecovering: a deferred function that Goexit runs panics, the next one recovers, and Goexit goes on with the rest.
//
//go:noinline
func leavesAfterRecovering(g *rec.G) {
	g.Enter("main.leavesAfterRecovering")
	defer func() {
		d := g.Enter("main.leavesAfterRecovering.func1")
		leaf(g)
		g.Leave(d)
	}()
	defer func() {
		d := g.Enter("main.leavesAfterRecovering.func2")
		if recover() != nil {
			g.Recovered(d, exiting)
		}
		g.Leave(d)
	}()
	defer func() {
		exiting = g.Top()
		g.Enter("main.leavesAfterRecovering.func3")
		boom(g, 1)
	}()
	leaves(g)
}

// The call in which runtime.Goexit runs deferred functions.
var exiting *rec.Call
