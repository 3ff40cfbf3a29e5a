package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"programs/rec"
)

// exec: the process becomes another one inside a graph: same process id, same goroutine id, new stacks. The record is the second one's.
func execs() {
	g := rec.New()
	outer(g, leaf)
	outer(g, func(g *rec.G) {
		c := g.Enter("main.execs.func1")
		becomes(g)
		g.Leave(c)
	})
}

//go:noinline
func becomes(g *rec.G) {
	c := g.Enter("main.becomes")
	leaf(g)
	fmt.Fprintln(os.Stderr, syscall.Exec("/proc/self/exe", []string{os.Args[0], "calls"}, os.Environ()))
	g.Leave(c)
}

// spawn: inside a graph a second process runs the same executable. Two records, the second process's first.
func spawn() {
	g := rec.New()
	outer(g, spawns)
	rec.Print("spawn")
}

//go:noinline
func spawns(g *rec.G) {
	c := g.Enter("main.spawns")
	child := exec.Command("/proc/self/exe", "calls")
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	leaf(g)
	g.Leave(c)
}
