package main

import (
	"runtime"

	"programs/rec"
)

// lastCalls: functions whose last act is a call, so that nothing of them is left to be seen when it returns.
func lastCalls(g *rec.G) {
	outer(g, func(g *rec.G) {
		c := g.Enter("main.lastCalls.func1")
		for n := 0; n < 8; n++ {
			sink += lastOfOne(g, n)
			sink += lastOfSix(g, n)
			sink += lastOrEdge(g, n)
			sink += lastOfTwo(g, n)
			sink += lastOfItself(g, n)
			sink += lastEven(g, n)
			sink += lastThrough(g, n, lastLeaf)
			sink += lastJumps(g, n)
			sink += lastSplits(g, n)
			lastAfterLoop(g, n)
			lastDeferred(g, n)
			lastRecovers(g, n)
			lastRecoversBelow(g, n)
			lastFaults(g)
		}
		g.Leave(c)
	})
	// The target itself ends with a call.
	outer(g, lastLeafOf)
	rec.Go(func(g *rec.G) {
		outer(g, func(g *rec.G) {
			g.Enter("main.lastCalls.func2.1")
			lastExits(g, 3)
		})
	})
	rec.Wait()
}

//go:noinline
func lastLeaf(g *rec.G, n int) int {
	c := g.Enter("main.lastLeaf")
	n += sink & 1
	g.Leave(c)
	return n
}

//go:noinline
func lastLeafOf(g *rec.G) {
	c := g.Enter("main.lastLeafOf")
	g.Last(c)
	leaf(g)
}

//go:noinline
func lastOfOne(g *rec.G, n int) int {
	c := g.Enter("main.lastOfOne")
	leaf(g)
	g.Last(c)
	return lastLeaf(g, n)
}

//go:noinline
func lastOfSix(g *rec.G, n int) int {
	g.Last(g.Enter("main.lastOfSix"))
	return lastOfFive(g, n+1)
}

//go:noinline
func lastOfFive(g *rec.G, n int) int {
	g.Last(g.Enter("main.lastOfFive"))
	return lastOfFour(g, n+1)
}

//go:noinline
func lastOfFour(g *rec.G, n int) int {
	g.Last(g.Enter("main.lastOfFour"))
	return lastOfThree(g, n+1)
}

//go:noinline
func lastOfThree(g *rec.G, n int) int {
	g.Last(g.Enter("main.lastOfThree"))
	return lastOfTwo(g, n+1)
}

//go:noinline
func lastOfTwo(g *rec.G, n int) int {
	g.Last(g.Enter("main.lastOfTwo"))
	return lastOfOne(g, n+1)
}

// lastOrEdge leaves through a jump or with a call, behind which both ways meet.
//
//go:noinline
func lastOrEdge(g *rec.G, n int) int {
	c := g.Enter("main.lastOrEdge")
	leaf(g)
	if n&1 == 0 {
		g.Last(c)
		lastLeaf(g, n)
	} else {
		g.Leave(c)
		if n < 5 {
			edgeA++
		}
	}
	return edgeB
}

// lastOfItself is recursive: no chain of callers may be built on it.
//
//go:noinline
func lastOfItself(g *rec.G, n int) int {
	c := g.Enter("main.lastOfItself")
	if n == 0 {
		g.Leave(c)
		return 1
	}
	g.Last(c)
	return lastOfItself(g, n-1)
}

//go:noinline
func lastEven(g *rec.G, n int) int {
	c := g.Enter("main.lastEven")
	if n == 0 {
		g.Leave(c)
		return 1
	}
	g.Last(c)
	return lastOdd(g, n-1)
}

//go:noinline
func lastOdd(g *rec.G, n int) int {
	c := g.Enter("main.lastOdd")
	if n == 0 {
		g.Leave(c)
		return 0
	}
	g.Last(c)
	return lastEven(g, n-1)
}

// lastThrough calls a function that others call directly.
//
//go:noinline
func lastThrough(g *rec.G, n int, f func(*rec.G, int) int) int {
	g.Last(g.Enter("main.lastThrough"))
	return f(g, n)
}

// lastJumps ends with a call of a function that leaves by a jump.
//
//go:noinline
func lastJumps(g *rec.G, n int) int {
	c := g.Enter("main.lastJumps")
	a := g.Enter("main.asmJump")
	g.Leaf("main.asmTarget")
	g.Leave(a)
	g.Leave(c)
	return asmJump(n, 2)
}

// lastSplits has several last calls, which share their way out.
//
//go:noinline
func lastSplits(g *rec.G, n int) int {
	c := g.Enter("main.lastSplits")
	g.Last(c)
	switch n & 3 {
	case 0:
		return lastLeaf(g, n)
	case 1:
		return lastOfOne(g, n)
	case 2:
		return lastOfTwo(g, n)
	}
	return lastEven(g, n)
}

//go:noinline
func lastAfterLoop(g *rec.G, n int) {
	c := g.Enter("main.lastAfterLoop")
	for i := 0; i < n; i++ {
		lastLeaf(g, i)
	}
	g.Last(c)
	lastLeaf(g, n)
}

// lastDeferred ends with the call of a deferred function.
//
//go:noinline
func lastDeferred(g *rec.G, n int) {
	c := g.Enter("main.lastDeferred")
	defer func() {
		g.Last(g.Enter("main.lastDeferred.func1"))
		lastLeaf(g, n)
	}()
	leaf(g)
	g.Last(c)
}

// lastRecovers: a panic goes through functions that would have ended with a call.
//
//go:noinline
func lastRecovers(g *rec.G, n int) {
	c := g.Enter("main.lastRecovers")
	defer func() {
		d := g.Enter("main.lastRecovers.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	lastPanics(g, n)
}

//go:noinline
func lastPanics(g *rec.G, n int) int {
	g.Last(g.Enter("main.lastPanics"))
	return lastPanicsSoon(g, n)
}

//go:noinline
func lastPanicsSoon(g *rec.G, n int) int {
	c := g.Enter("main.lastPanicsSoon")
	if n&1 == 1 {
		boom(g, n&3)
	}
	g.Last(c)
	return lastLeaf(g, n)
}

// lastRecoversBelow ends with a call that recovers a panic, and so does what calls it.
//
//go:noinline
func lastRecoversBelow(g *rec.G, n int) {
	g.Last(g.Enter("main.lastRecoversBelow"))
	lastRecovers(g, n)
}

// lastFaults: the call after which there is nothing left raises a signal.
//
//go:noinline
func lastFaults(g *rec.G) {
	c := g.Enter("main.lastFaults")
	defer func() {
		d := g.Enter("main.lastFaults.func1")
		if recover() != nil {
			g.Recovered(d, c)
		}
		g.Leave(d)
		g.Leave(c)
	}()
	lastLoads(g, nil)
}

//go:noinline
func lastLoads(g *rec.G, p *int) int {
	g.Enter("main.lastLoads")
	g.Enter("main.loads")
	return loads(p)
}

// lastExits ends the goroutine below functions that would have ended with a call.
//
//go:noinline
func lastExits(g *rec.G, n int) {
	c := g.Enter("main.lastExits")
	if n == 0 {
		runtime.Goexit()
	}
	g.Last(c)
	lastExits(g, n-1)
}
