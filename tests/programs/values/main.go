// Command values calls functions of many signatures, each of which writes down what it got and what it gives back: one line of JSON a
// call on standard output, in the order in which the calls return.
//
//	values [-wait] [ROUNDS]
//
//	{"function":"main.ints","args":[{"name":"a","type":"int8","text":"-8"},…],"results":[{"name":"r","type":"int64","text":"42"}]}
//
// A result without a name has the name "". A closure has "captured" too. What a text looks like is said at the function text. With -wait it first
// prints "pid N" and reads a line from its standard input. Every function is called in each of ROUNDS (1) rounds, with the same values.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

func main() {
	arguments := os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "-wait" {
		arguments = arguments[1:]
		fmt.Println("pid", os.Getpid())
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	rounds := 1
	if len(arguments) > 0 {
		n, err := strconv.Atoi(arguments[0])
		if err != nil || len(arguments) > 1 {
			fmt.Fprintln(os.Stderr, "usage: values [-wait] [ROUNDS]")
			os.Exit(2)
		}
		rounds = n
	}
	for i := 0; i < rounds; i++ {
		round()
	}
}

// round is a target that everything else is called in.
//
//go:noinline
func round() {
	scalars()
	texts()
	composites()
	references()
	interfaces()
	times()
	generics()
	closures()
	spilled()
	oddities()
	variety()
}
