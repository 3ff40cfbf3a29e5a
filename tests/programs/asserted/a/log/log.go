// Package log is one of two of this name.
package log

type Error struct{ Code int }

func (e *Error) Error() string { return "a" }

type Only struct{ N int }

// Hidden has a field that is not exported, in a type without a name.
var Hidden any = struct{ n int }{1}

// Embedded is a type without a name that embeds one.
var Embedded any = struct {
	Only
	*Error
	k int
}{Only{1}, &Error{1}, 2}
