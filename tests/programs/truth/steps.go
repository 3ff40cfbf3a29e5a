package main

import (
	"fmt"
	"os"

	"programs/rec"
)

// In steps_amd64.s. They cannot record themselves.
func stepRun(n int, plain bool, registers *stepRegisters)

func stepPointer() uint64

// What stepRun calls.
func stepLoad8()
func stepLoad8At()
func stepLoad4()
func stepLoad2()
func stepLoad1()
func stepGlobal()
func stepStack()
func stepMove8()
func stepMove4()
func stepSet4()
func stepSet8()
func stepLea()
func stepLeaGlobal()
func stepClear()
func stepTest8()
func stepTest4()
func stepCompare8()
func stepCompare4()
func stepCompareSet8()
func stepCompareSet4()

type stepRegisters struct{ ax, cx, bx, flags uint64 }

var stepNames = []string{
	"main.stepLoad8",
	"main.stepLoad8At",
	"main.stepLoad4",
	"main.stepLoad2",
	"main.stepLoad1",
	"main.stepGlobal",
	"main.stepStack",
	"main.stepMove8",
	"main.stepMove4",
	"main.stepSet4",
	"main.stepSet8",
	"main.stepLea",
	"main.stepLeaGlobal",
	"main.stepClear",
	"main.stepTest8",
	"main.stepTest4",
	"main.stepCompare8",
	"main.stepCompare4",
	"main.stepCompareSet8",
	"main.stepCompareSet4",
}

var stepMemory = [4]uint64{0x8877665544332211, 0xfedcba9876543210, 0xffff0000ffff0000, 0x0123456789abcdef}

// The arithmetic flags, of which the first five are what tells.
const stepFlags = 0x8d5

// steps: functions whose first instruction is one that a tracer may carry out itself. What each leaves in registers and flags is compared
// with what its twin leaves, which is not traced.
func steps() {
	g := rec.New()
	outer(g, func(g *rec.G) {
		c := g.Enter("main.steps.func1")
		for n, name := range stepNames {
			for _, a := range edgeValues {
				for _, b := range edgeValues {
					for _, flags := range []uint64{2, 2 | stepFlags} {
						stepCompare(g, n, name, uint64(a), uint64(b), flags)
					}
				}
			}
		}
		g.Leave(c)
	})
	rec.Print("steps")
}

//go:noinline
func stepCompare(g *rec.G, n int, name string, a, b, flags uint64) {
	c := g.Enter("main.stepCompare")
	g.Leaf("main.stepPointer")
	probed := stepRegisters{stepPointer(), a, b, flags}
	plain := probed
	r := g.Enter("main.stepRun")
	stepRun(n, true, &plain)
	g.Leave(r)
	r = g.Enter("main.stepRun")
	g.Leaf(name)
	stepRun(n, false, &probed)
	g.Leave(r)
	if name == "main.stepStack" {
		probed.cx, plain.cx = 0, 0 // its own return address
	}
	probed.flags &= stepFlags
	plain.flags &= stepFlags
	if probed != plain {
		fmt.Fprintf(os.Stderr, "%s with %#x, %#x, flags %#x: %#x and not %#x\n", name, a, b, flags, probed, plain)
		os.Exit(1)
	}
	g.Leave(c)
}
