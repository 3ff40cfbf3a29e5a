// Command truth makes calls that are hard to trace and prints what it called, as package rec describes.
//
//	truth [-wait] MODE [ARGUMENT…]
//
// README.md beside this folder lists the modes. With -wait it first prints "pid N" and reads a line from its standard input, so that a tracer
// can be attached before anything happens.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"programs/rec"
)

var modes = map[string]func(){
	"anew":      anew,
	"asm":       asm,
	"calls":     calls,
	"closures":  closures,
	"crash":     crash,
	"edges":     edges,
	"exec":      execs,
	"exit":      exits,
	"gc":        gc,
	"generics":  generics,
	"goexit":    goexit,
	"load":      load,
	"many":      many,
	"methods":   methods,
	"migrate":   migrate,
	"numbers":   numbers,
	"panics":    panics,
	"recursion": recursion,
	"sleep":     sleep,
	"spawn":     spawn,
	"steps":     steps,
	"tail":      tail,
}

var arguments []string

func main() {
	arguments = os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "-wait" {
		arguments = arguments[1:]
		fmt.Println("pid", os.Getpid())
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	if len(arguments) == 0 || modes[arguments[0]] == nil {
		names := make([]string, 0, len(modes))
		for name := range modes {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintln(os.Stderr, "usage: truth [-wait] MODE [ARGUMENT…]; modes:", strings.Join(names, " "))
		os.Exit(2)
	}
	modes[arguments[0]]()
}

// number is the mode's argument at this place (from 1), or what there is without one.
func number(place, otherwise int) int {
	if place < len(arguments) {
		if n, err := strconv.Atoi(arguments[place]); err == nil {
			return n
		}
		fmt.Fprintln(os.Stderr, "not a number:", arguments[place])
		os.Exit(2)
	}
	return otherwise
}

// duration is the mode's argument at this place (from 1), or what there is without one.
func duration(place int, otherwise time.Duration) time.Duration {
	if place < len(arguments) {
		if d, err := time.ParseDuration(arguments[place]); err == nil {
			return d
		}
		fmt.Fprintln(os.Stderr, "not a duration:", arguments[place])
		os.Exit(2)
	}
	return otherwise
}

// outer is the target: each call that is not made inside another one is a graph.
//
//go:noinline
func outer(g *rec.G, body func(*rec.G)) {
	c := g.Enter(rec.Root)
	body(g)
	g.Leave(c)
}
