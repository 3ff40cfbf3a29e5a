// Package lib has a function literal that is compiled again in package main.
package lib

// Calls of the literal below.
var Calls int

// Give gives a function that counts its calls.
func Give(n int) func() int { return func() int { Calls++; return n + 1 } }

// Given keeps Give in the executable.
var Given = Give

// Make gives a function that is inlined where it is called at once.
func Make(n int) func() int { return func() int { made++; return n * 10 } }

var made int

// Made keeps Make in the executable.
var Made = Make
