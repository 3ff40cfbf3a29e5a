package main

import (
	"time"

	"example.test/typed/internal/store"
	yaml "example.test/typed/yaml.v3"
)

// taken has methods with parameters that are called as what is built in is.
type taken struct{ count int }

//go:noinline
func (self *taken) retry(dur time.Duration, depth int, fn string) (g int) {
	return self.count + depth + len(fn) + int(dur)
}

//go:noinline
func (t *taken) again(call *taken, dur time.Duration) (err error) {
	t.count += call.count + int(dur)
	return nil
}

//go:noinline
func (t *taken) plain(n int) int { return t.count + n }

func useNames() {
	println(store.Find("") == nil, store.Find("x") == nil, yaml.Walk(&yaml.Node{}))
	t := &taken{}
	println(t.retry(time.Second, 1, "x"), t.again(t, time.Second) == nil, t.plain(1))
}
