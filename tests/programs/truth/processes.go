package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"programs/rec"
)

// exec [COMMAND ARGUMENT…]: the process becomes another one inside a graph: same process id, same goroutine id, new stacks. The record is the
// second one's: without a command, that of the mode calls. With "copy" for a command the same is run from a sealed copy in memory, and with
// "thread" first of all, it is not the main thread that calls exec.
func execs() {
	if len(arguments) > 1 && arguments[1] == "thread" {
		arguments = append(arguments[:1], arguments[2:]...)
		runtime.LockOSThread() // so that the goroutine's is another one
		rec.Go(func(g *rec.G) {
			runtime.LockOSThread()
			execsOn(g)
		})
		rec.Wait()
		return
	}
	execsOn(rec.New())
}

func execsOn(g *rec.G) {
	outer(g, leaf)
	outer(g, func(g *rec.G) {
		c := g.Enter("main.execsOn.func1")
		becomes(g)
		g.Leave(c)
	})
}

//go:noinline
func becomes(g *rec.G) {
	c := g.Enter("main.becomes")
	leaf(g)
	path, command := "/proc/self/exe", []string{os.Args[0], "calls"}
	switch {
	case len(arguments) > 1 && arguments[1] == "copy":
		path = copied()
	case len(arguments) > 1:
		path, command = arguments[1], arguments[1:]
	}
	fmt.Fprintln(os.Stderr, syscall.Exec(path, command, os.Environ()))
	g.Leave(c)
}

// copied is the path of a copy of the executable as runc makes one of itself.
func copied() string {
	name := []byte("copy\x00")
	fd, _, errno := syscall.Syscall(319 /* memfd_create */, uintptr(unsafe.Pointer(&name[0])), 2 /* MFD_ALLOW_SEALING */, 0)
	if errno != 0 {
		panic(errno)
	}
	file := os.NewFile(fd, "copy")
	self, err := os.Open("/proc/self/exe")
	if err == nil {
		_, err = io.Copy(file, self)
	}
	if err != nil {
		panic(err)
	}
	const addSeals, allSeals = 1033, 0xf // fcntl(2)
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, addSeals, allSeals); errno != 0 {
		panic(errno)
	}
	return fmt.Sprintf("/proc/self/fd/%d", fd)
}

// anew N: one graph, and then the same program anew in the same process, until there were N of them. The record is the last one's.
func anew() {
	g := rec.New()
	outer(g, leaf)
	if n := number(1, 1); n > 1 {
		command := []string{os.Args[0], arguments[0], strconv.Itoa(n - 1)}
		fmt.Fprintln(os.Stderr, syscall.Exec("/proc/self/exe", command, os.Environ()))
	}
	rec.Print("anew")
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
