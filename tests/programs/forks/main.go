// Command forks starts copies of itself, as servers do that have workers. Everybody ends with standard input.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

func main() {
	if len(os.Args) == 3 {
		copies, err := strconv.Atoi(os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		for range make([]struct{}, copies) {
			start()
		}
	}
	if len(os.Args) < 2 || os.Args[1] != "leave" {
		work()
	}
}

//go:noinline
func work() {
	fmt.Println("working", os.Getpid())
	io.Copy(io.Discard, os.Stdin)
}

func start() {
	child := exec.Command("/proc/self/exe", "work")
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
