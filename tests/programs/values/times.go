package main

import "time"

type event struct {
	at   time.Time
	took time.Duration
}

func times() {
	durations(0, 1, 1500*time.Millisecond, -90*time.Minute)
	utc := time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)
	instants(utc, utc.In(time.FixedZone("X", 5400)), time.Time{}, time.Unix(1700000000, 5))
	// With a reading of the monotonic clock, which another representation goes with.
	now := time.Now()
	clock(now, now.Add(time.Hour))
	events(event{utc, time.Second}, &event{utc.Add(time.Hour), 0})
}

//go:noinline
func durations(a, b, c, d time.Duration) time.Duration {
	r := c + d
	say("main.durations", args(is("a", a), is("b", b), is("c", c), is("d", d)), results(is("", r)))
	return r
}

//go:noinline
func instants(a, b, zero, local time.Time) time.Time {
	r := a.Add(time.Minute)
	say("main.instants", args(is("a", a), is("b", b), is("zero", zero), is("local", local)), results(is("", r)))
	return r
}

//go:noinline
func clock(now, later time.Time) (time.Duration, time.Time) {
	d, t := later.Sub(now), later.Round(0)
	say("main.clock", args(is("now", now), is("later", later)), results(is("", d), is("", t)))
	return d, t
}

//go:noinline
func events(a event, b *event) event {
	r := event{b.at, a.took * 2}
	say("main.events", args(is("a", a), is("b", b)), results(is("", r)))
	return r
}
