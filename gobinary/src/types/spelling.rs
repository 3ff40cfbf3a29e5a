//! Names of types as people see and write them, against those that DWARF has.
//!
//! DWARF names a type in full: packages with their folders, names that are not exported with their package, types that are declared in
//! functions with a number (`main.local·1`). What is shown of a type leaves some of that out, as the runtime's own description does.

use super::model::short_name;

/// The name without what a reader does not see in it: numbers of local types, packages of fields and methods, spaces that separate nothing,
/// escapes in package paths. Folders stay.
pub(super) fn plain(name: &str) -> String {
    let name = name.replace("%2e", ".");
    let characters: Vec<char> = name.chars().collect();
    let at = |index: usize| characters.get(index).copied();
    let mut out = String::with_capacity(name.len());
    // Where the word that is being written began, and whether it may be the name of a field or a method.
    let (mut word, mut names) = (0, false);
    let (mut quoted, mut index) = (false, 0);
    while let Some(c) = at(index) {
        index += 1;
        if quoted {
            out.push(c);
            if c == '\\' {
                out.extend(at(index));
                index += 1;
            }
            quoted = c != '"';
            continue;
        }
        match c {
            '·' if at(index).is_some_and(|next| next.is_ascii_digit()) => {
                while at(index).is_some_and(|next| next.is_ascii_digit()) {
                    index += 1;
                }
                continue;
            }
            ' ' => {
                let next = at(index);
                let ends_name =
                    next.is_some_and(|next| !matches!(next, '"' | ';' | '}' | '{' | ' '));
                if names && out.len() > word && ends_name {
                    unqualified(&mut out, word);
                    names = false;
                }
                let separates = is_word(out.chars().next_back()) && is_word(next);
                if separates {
                    out.push(' ');
                }
                word = out.len();
                continue;
            }
            '(' if names && out.len() > word => {
                unqualified(&mut out, word);
                names = false;
            }
            '"' => quoted = true,
            '{' | ';' => names = true,
            '*' => {}
            c if !is_word(Some(c)) => names = false,
            _ => {}
        }
        out.push(c);
        if !is_word(Some(c)) {
            word = out.len();
        }
    }
    out
}

/// The same, without folders.
pub(super) fn short(name: &str) -> String {
    short_name(&plain(name))
}

/// Takes the package away from a name that begins here.
fn unqualified(out: &mut String, start: usize) {
    let dot = out.get(start..).and_then(|name| name.rfind('.'));
    if let Some(dot) = dot {
        out.replace_range(start..=start + dot, "");
    }
}

/// Belongs to a name with its package path.
fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '~' | '·'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_and_what_dwarf_has_are_one() {
        for (seen, described) in [
            ("struct { p *main.T }", "struct { main.p *main.T }"),
            ("struct{p *main.T}", "struct { main.p *main.T }"),
            ("main.local[int]", "main.local[int]·1"),
            (
                "[]interface { m(int) string }",
                "[]interface { main.m(int) string }",
            ),
            (
                "chan struct { a int; b int }",
                "chan struct { main.a int; main.b int }",
            ),
            ("*dotted.v2.Node", "*example.com/dotted%2ev2.Node"),
            (
                "struct { log.Only; *log.Error; k int }",
                "struct { a/log.Only; *a/log.Error; a/log.k int }",
            ),
            (
                "struct { A int \"json:\\\"a/b.c; d\\\"\"; b []string }",
                "struct { A int \"json:\\\"a/b.c; d\\\"\"; main.b []string }",
            ),
            (
                "main.pair[int,*log.Only]",
                "main.pair[int,*programs/a/log.Only]",
            ),
            (
                "func(int, *main.T) (string, error)",
                "func(int,*main.T) (string,error)",
            ),
            ("map[string]struct {}", "map[string]struct{}"),
        ] {
            assert_eq!(short(seen), short(described), "{seen}");
        }
        for (one, other) in [
            ("struct { p *main.T }", "struct { q *main.T }"),
            ("chan int", "chan int8"),
            ("<-chan int", "chan<- int"),
            ("struct { A int \"a\" }", "struct { A int \"b\" }"),
            ("struct { main.T }", "struct { T main.T }"),
        ] {
            assert_ne!(short(one), short(other), "{one}");
        }
        assert_ne!(plain("a/log.Error"), plain("b/log.Error"));
    }
}
