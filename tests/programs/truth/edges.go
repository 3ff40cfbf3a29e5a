package main

import "programs/rec"

// edges: functions that leave through conditional jumps of every kind, without a call after the last of them: with and without a frame,
// with one return and with several, after loops and in nested conditions.
func edges() {
	g := rec.New()
	outer(g, func(g *rec.G) {
		c := g.Enter("main.edges.func1")
		for i, a := range edgeValues {
			for j, b := range edgeValues {
				comparesAll(g, a, b)
				g.Leaf("main.framed")
				sink += framed(a, b, i)
				g.Leaf("main.nested")
				sink += nested(a, b, j)
				g.Leaf("main.counted")
				sink += counted(i, j)
				g.Leaf("main.several")
				sink += several(i * j)
				straightLeaves(g, a, b)
			}
		}
		g.Leave(c)
	})
	lastCalls(g)
	rec.Print("edges")
}

var edgeValues = []int{0, 1, -1, 2, 127, -128, 1 << 40, -1 << 63, 1<<63 - 1}

var edgeA, edgeB int

//go:noinline
func straightLeaves(g *rec.G, a, b int) {
	c := g.Enter("main.straightLeaves")
	g.Leaf("main.constant")
	sink += constant()
	g.Leaf("main.mixed")
	sink += mixed(a, b)
	g.Leaf("main.isNil")
	g.Leaf("main.isNil")
	if isNil(&edgeA) || !isNil(nil) {
		panic("isNil")
	}
	g.Leaf("main.earlyOut")
	sink += earlyOut(a, &edgeB)
	g.Leaf("main.counts")
	sink += counts(b & 7)
	g.Leaf("main.copies")
	big := copies(&edgeArray, a)
	sink += big[a&31]
	g.Leaf("main.stores")
	stores(&edgeArray, b)
	g.Leaf("main.loads")
	sink += loads(&edgeA)
	g.Leave(c)
}

var edgeArray [64]int

// constant leaves where it begins.
//
//go:noinline
func constant() int { return 17 }

//go:noinline
func mixed(a, b int) int { return a ^ b<<3 }

//go:noinline
func isNil(p *int) bool {
	if p == nil {
		edgeA++
		return true
	}
	edgeB++
	return false
}

//go:noinline
func earlyOut(n int, p *int) int {
	if n == 0 {
		return edgeB
	}
	for i := 0; i < n&15; i++ {
		*p += i
	}
	return *p
}

//go:noinline
func counts(n int) int {
	sum := 0
	for ; n > 0; n-- {
		sum += n
	}
	return sum
}

// copies and clears blocks of memory, for which compilers make loops without a call.
//
//go:noinline
func copies(from *[64]int, n int) (to [64]int) {
	if n > 3 {
		return *from
	}
	*from = [64]int{}
	return to
}

//go:noinline
func stores(to *[64]int, n int) {
	if n > 0 {
		to[n&63] = n
		return
	}
	to[63] = n
}

// loads may fault at its first instruction.
//
//go:noinline
func loads(p *int) int { return *p }

//go:noinline
func framed(a, b, n int) int {
	var buffer [40]int
	for i := range buffer {
		buffer[i] = a + i
	}
	if a < b {
		edgeA = a
		return buffer[n]
	}
	if n > 3 {
		edgeB = n
		return buffer[n+1]
	}
	edgeA = b
	return buffer[n+2]
}

//go:noinline
func nested(a, b, n int) int {
	if a > b {
		if n&1 == 0 {
			edgeA++
			return a
		}
		if n > 5 {
			edgeB++
			return b
		}
	} else if n == 4 {
		edgeA--
		return n
	}
	edgeB--
	return a ^ b
}

//go:noinline
func counted(n, limit int) int {
	sum := 0
	for i := 0; i < n; i++ {
		sum += i * limit
		if sum > 40 {
			edgeA = i
			return sum
		}
	}
	edgeB = sum
	return n
}

//go:noinline
func several(n int) int {
	switch {
	case n == 0:
		edgeA = 1
		return 1
	case n < 5:
		edgeA = 2
		return 2
	case n < 10:
		edgeB = 3
		return 3
	case n < 30:
		edgeB = 4
		return 4
	}
	return 5
}

//go:noinline
func comparesAll(g *rec.G, a, b int) {
	c := g.Enter("main.comparesAll")
	g.Leaf("main.ltInt")
	sink += ltInt(int(a), int(b))
	g.Leaf("main.leInt")
	sink += leInt(int(a), int(b))
	g.Leaf("main.gtInt")
	sink += gtInt(int(a), int(b))
	g.Leaf("main.geInt")
	sink += geInt(int(a), int(b))
	g.Leaf("main.eqInt")
	sink += eqInt(int(a), int(b))
	g.Leaf("main.neInt")
	sink += neInt(int(a), int(b))
	g.Leaf("main.ltUint")
	sink += ltUint(uint(a), uint(b))
	g.Leaf("main.leUint")
	sink += leUint(uint(a), uint(b))
	g.Leaf("main.gtUint")
	sink += gtUint(uint(a), uint(b))
	g.Leaf("main.geUint")
	sink += geUint(uint(a), uint(b))
	g.Leaf("main.negative")
	sink += negative(int(a), int(b))
	g.Leaf("main.bit")
	sink += bit(uint(a), uint(b))
	g.Leaf("main.ltFloat")
	sink += ltFloat(float64(a), float64(b))
	g.Leaf("main.leFloat")
	sink += leFloat(float64(a), float64(b))
	g.Leaf("main.eqFloat")
	sink += eqFloat(float64(a), float64(b))
	g.Leaf("main.neFloat")
	sink += neFloat(float64(a), float64(b))
	g.Leaf("main.ltByte")
	sink += ltByte(int8(a), int8(b))
	g.Leaf("main.gtShort")
	sink += gtShort(uint16(a), uint16(b))
	g.Leave(c)
}

//go:noinline
func ltInt(a, b int) int {
	if a < b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func leInt(a, b int) int {
	if a <= b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func gtInt(a, b int) int {
	if a > b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func geInt(a, b int) int {
	if a >= b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func eqInt(a, b int) int {
	if a == b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func neInt(a, b int) int {
	if a != b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func ltUint(a, b uint) int {
	if a < b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func leUint(a, b uint) int {
	if a <= b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func gtUint(a, b uint) int {
	if a > b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func geUint(a, b uint) int {
	if a >= b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func negative(a, b int) int {
	if a+b < 0 {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func bit(a, b uint) int {
	if a&b != 0 {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func ltFloat(a, b float64) int {
	if a < b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func leFloat(a, b float64) int {
	if a <= b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func eqFloat(a, b float64) int {
	if a == b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func neFloat(a, b float64) int {
	if a != b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func ltByte(a, b int8) int {
	if a < b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}

//go:noinline
func gtShort(a, b uint16) int {
	if a > b {
		edgeA = int(a)
		return edgeB
	}
	edgeB = int(b)
	return edgeA
}
