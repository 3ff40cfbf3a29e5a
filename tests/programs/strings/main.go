// Command strings calls a function with strings of every kind.
package main

type held struct {
	text string
	all  []string
}

//go:noinline
func take(s string, h *held, v any) int { return len(s) + len(h.text) }

func main() {
	for _, s := range []string{"日本語日本語", "né🙂a", "tab\tquote\"back\\slash\\x1b", "\x1b[2J\u202e", "\xff\xfe", "a\xffb", "�", ""} {
		take(s, &held{s, []string{s, s}}, s)
	}
}
