package rec

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sort"
)

// Print writes all records as one line of JSON:
//
//	{"mode":"calls","go":"go1.27.3","pid":7,"graphs":[GRAPH…],"count":3}
//	GRAPH = {"goroutine":1,"start":UNIX-NANOSECONDS,"notes":{"threads":2},"root":CALL}
//	CALL  = {"function":"main.outer","exit":"return|unwound|open","wrapper":true,"calls":[CALL…]}
//
// Graphs are ordered by goroutine, then by start. "wrapper" is there only where it is true, "notes" where there are any, "calls" where there
// are any. "count" is the number of CALLs.
func Print(mode string) {
	PrintCount(mode, 0)
}

// PrintCount is Print for a program that made so many calls more without recording them.
func PrintCount(mode string, unrecorded int64) {
	mu.Lock()
	defer mu.Unlock()
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	fmt.Fprintf(out, `{"mode":%q,"go":%q,"pid":%d,"graphs":[`, mode, runtime.Version(), os.Getpid())
	sort.Slice(all, func(i, j int) bool { return all[i].id < all[j].id })
	count := unrecorded
	comma := ""
	for _, g := range all {
		for _, graph := range g.graphs {
			fmt.Fprintf(out, `%s{"goroutine":%d,"start":%d,`, comma, graph.goroutine, graph.start.UnixNano())
			printNotes(out, graph.notes)
			out.WriteString(`"root":`)
			count += printCall(out, graph.root)
			out.WriteByte('}')
			comma = ","
		}
	}
	fmt.Fprintf(out, "],\"count\":%d}\n", count)
	out.Flush()
}

func printNotes(out *bufio.Writer, notes map[string]int64) {
	if len(notes) == 0 {
		return
	}
	names := make([]string, 0, len(notes))
	for name := range notes {
		names = append(names, name)
	}
	sort.Strings(names)
	out.WriteString(`"notes":{`)
	for i, name := range names {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "%q:%d", name, notes[name])
	}
	out.WriteString("},")
}

func printCall(out *bufio.Writer, c *Call) int64 {
	fmt.Fprintf(out, `{"function":%q,"exit":%q`, c.function, c.exit)
	if c.wrapper {
		out.WriteString(`,"wrapper":true`)
	}
	count := int64(1)
	for i, called := range c.calls {
		if i == 0 {
			out.WriteString(`,"calls":[`)
		} else {
			out.WriteByte(',')
		}
		count += printCall(out, called)
	}
	if len(c.calls) > 0 {
		out.WriteByte(']')
	}
	out.WriteByte('}')
	return count
}
