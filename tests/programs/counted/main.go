// Command counted calls a function many times, from several goroutines and callers, and says in JSON how often and with what.
//
//	counted [CALLS [PAUSE]]
//
// Each of four goroutines makes CALLS calls, and rests for PAUSE (a duration) after each.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

type query struct {
	name  string
	limit int32
}

var errSeventh = errors.New("seventh")

//go:noinline
func work(q *query, size int, flag bool) (n int, err error) {
	if q.limit%7 == 0 {
		return size, errSeventh
	}
	return 2 * size, nil
}

//go:noinline
func first(q *query, size int) int { n, _ := work(q, size, true); return n + 1 }

//go:noinline
func second(q *query, size int) int { n, _ := work(q, size, size > 3); return n + 2 }

// What the tracer has to come to.
type tally struct {
	Calls int
	// By caller and name.
	Names map[string]map[string]int
	// By whether it failed: the sum of sizes.
	Sums   map[string]int
	Flags  map[string]int
	Least  int
	Most   int
	Powers map[int]int
	// By tens of the limit; 10 is all above.
	Steps map[int32]int
}

func newTally() *tally {
	return &tally{
		Names:  map[string]map[string]int{"main.first": {}, "main.second": {}},
		Sums:   map[string]int{},
		Flags:  map[string]int{},
		Powers: map[int]int{},
		Steps:  map[int32]int{},
	}
}

func (t *tally) add(caller string, q *query, size int, flag bool) {
	t.Calls++
	t.Names[caller][q.name]++
	t.Sums[strconv.FormatBool(q.limit%7 == 0)] += size
	t.Flags[strconv.FormatBool(flag)]++
	if size < t.Least {
		t.Least = size
	}
	if size > t.Most {
		t.Most = size
	}
	power, rest := 0, size
	for ; rest > 0; rest /= 2 {
		power++
	}
	for ; rest < 0; rest /= 2 {
		power--
	}
	t.Powers[power]++
	step := q.limit / 10
	if step > 10 {
		step = 10
	}
	t.Steps[step]++
}

var names = []string{"get", "put", "a name of more bytes than a key has room for, which is cut", ""}

func main() {
	calls, pause := 1000, time.Duration(0)
	if len(os.Args) > 1 {
		calls, _ = strconv.Atoi(os.Args[1])
	}
	if len(os.Args) > 2 {
		pause, _ = time.ParseDuration(os.Args[2])
	}
	all := newTally()
	var mutex sync.Mutex
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			mine := newTally()
			for i := 0; i < calls; i++ {
				q, size := &query{names[(g+i)%4], int32(i % 150)}, i%300-100
				if i%3 == 0 {
					mine.add("main.first", q, size, true)
					first(q, size)
				} else {
					mine.add("main.second", q, size, size > 3)
					second(q, size)
				}
				if pause > 0 {
					time.Sleep(pause)
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			all.join(mine)
		}(g)
	}
	group.Wait()
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

func (t *tally) join(other *tally) {
	t.Calls += other.Calls
	for caller, names := range other.Names {
		for name, count := range names {
			t.Names[caller][name] += count
		}
	}
	for failed, sum := range other.Sums {
		t.Sums[failed] += sum
	}
	for flag, count := range other.Flags {
		t.Flags[flag] += count
	}
	for power, count := range other.Powers {
		t.Powers[power] += count
	}
	for step, count := range other.Steps {
		t.Steps[step] += count
	}
	if other.Least < t.Least {
		t.Least = other.Least
	}
	if other.Most > t.Most {
		t.Most = other.Most
	}
}
