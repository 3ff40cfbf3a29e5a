package main

import "programs/rec"

// In asm_amd64.s. They cannot record themselves.
func asmAdd(a, b int) int
func asmJump(a, b int) int
func asmTarget(a, b int) int
func asmCall(record *rec.G)

// asm: functions in assembly, with and without a frame, and one that calls Go.
func asm() {
	g := rec.New()
	outer(g, assembly)
	outer(g, jumps)
	rec.Print("asm")
}

//go:noinline
func assembly(g *rec.G) {
	c := g.Enter("main.assembly")
	for i := 0; i < 3; i++ {
		g.Leaf("main.asmAdd")
		sink += asmAdd(i, 2)
	}
	a := g.Enter("main.asmCall")
	asmCall(g)
	g.Leave(a)
	leaf(g)
	g.Leave(c)
}

// jumps calls an assembly function that ends in a jump to another one, which returns for both.
//
//go:noinline
func jumps(g *rec.G) {
	c := g.Enter("main.jumps")
	for i := 0; i < 3; i++ {
		a := g.Enter("main.asmJump")
		g.Leaf("main.asmTarget")
		sink += asmJump(i, 2)
		g.Leave(a)
	}
	g.Leaf("main.asmTarget")
	sink += asmTarget(1, 2)
	g.Leave(c)
}

//go:noinline
func calledFromAssembly(g *rec.G) {
	c := g.Enter("main.calledFromAssembly")
	leaf(g)
	g.Leave(c)
}
