// Package rec lets a traced program keep its own record of which calls it made, to compare with what a tracer saw.
//
// A function calls Enter first and Leave last. One that leaves by a panic or by runtime.Goexit never reaches its Leave; it is found to be
// unwound when a call below it on the stack leaves, or when the goroutine is done. A deferred function that a panic runs is recorded under the
// call that panicked, because that is where it stands on the stack.
//
// The package stands apart from the traced functions so that "main.*" does not match it.
package rec

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// Root is the function whose calls are recorded, with everything below them.
const Root = "main.outer"

// A Call is one call of a function.
type Call struct {
	function string
	exit     string
	wrapper  bool
	parent   *Call
	calls    []*Call
	// Calls above this one are unwound as soon as this call leaves.
	recovered *Call
	// Leaves with the next call that it makes.
	last bool
}

// A graph is one call of Root.
type graph struct {
	goroutine int64
	start     time.Time
	root      *Call
	notes     map[string]int64
}

// A G is the record of one goroutine.
type G struct {
	id     int64
	top    *Call
	graphs []*graph
}

var (
	mu   sync.Mutex
	all  []*G
	none = &Call{}
)

// New begins the record of the calling goroutine.
func New() *G {
	g := &G{id: goid()}
	mu.Lock()
	all = append(all, g)
	mu.Unlock()
	return g
}

// Enter records that a function was called. Outside a graph only Root counts.
func (g *G) Enter(function string) *Call {
	return g.enter(function, false)
}

// Wrapper records a call of a function that the compiler made, which cannot do so itself: the function that it calls does it, or the caller.
func (g *G) Wrapper(function string) *Call {
	return g.enter(function, true)
}

// Leaf records a whole call, for functions in assembly.
func (g *G) Leaf(function string) {
	g.Leave(g.Enter(function))
}

func (g *G) enter(function string, wrapper bool) *Call {
	if g.top == nil && function != Root {
		return none
	}
	c := &Call{function: function, wrapper: wrapper, exit: "open", parent: g.top}
	if g.top == nil {
		g.graphs = append(g.graphs, &graph{goroutine: g.id, start: time.Now(), root: c})
	} else {
		g.top.calls = append(g.top.calls, c)
	}
	g.top = c
	return c
}

// Leave records that a call is about to return.
func (g *G) Leave(c *Call) {
	if c == none {
		return
	}
	g.unwind(c)
	c.exit = "return"
	g.top = c.parent
	if c.recovered != nil {
		g.unwind(c.recovered)
	}
	if c.parent != nil && c.parent.last {
		g.Leave(c.parent)
	}
}

// Last records that a call has nothing left to do but one more call, and leaves with it.
func (g *G) Last(c *Call) {
	c.last = c != none
}

// Recovered is said by a deferred function that recovered a panic: once it has returned, its goroutine goes on in the call to.
func (g *G) Recovered(deferred, to *Call) {
	deferred.recovered = to
}

// Done is said when no function of the goroutine is running any more: what is open was unwound.
func (g *G) Done() {
	g.unwind(nil)
}

func (g *G) unwind(to *Call) {
	for g.top != to && g.top != nil {
		g.top.exit = "unwound"
		g.top = g.top.parent
	}
}

// Top is the innermost call.
func (g *G) Top() *Call {
	return g.top
}

// Note puts a number beside the current graph's root, for the test to see that what it is about did happen.
func (g *G) Note(name string, value int64) {
	if len(g.graphs) == 0 {
		return
	}
	last := g.graphs[len(g.graphs)-1]
	if last.notes == nil {
		last.notes = map[string]int64{}
	}
	last.notes[name] = value
}

// goid reads the id from the first line of the stack trace, "goroutine 18 [running]:".
func goid() int64 {
	var buffer [64]byte
	fields := bytes.Fields(buffer[:runtime.Stack(buffer[:], false)])
	if len(fields) < 2 {
		return 0
	}
	id, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return id
}
