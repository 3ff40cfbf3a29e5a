// Package log is the other one of this name.
package log

type Error struct{ Code int }

func (e *Error) Error() string { return "b" }


