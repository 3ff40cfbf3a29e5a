//! Names of function literals, taken apart.
//!
//! The compiler names a literal after the function that it is compiled in (`closureName` in cmd/compile/internal/ir/func.go): `main.f.func1`,
//! one inside it `main.f.func1.2`, what a `go` or `defer` statement wraps `main.f.gowrap1`, the body of a loop over a function
//! `main.f-range1`. A literal of an inlined function is compiled again in each function that it was inlined into: Go 1.20 to 1.26 put that
//! function's name before it, and go on counting there (`main.a.f.func4`); before, it is named as if it were written there; since 1.27
//! all have one name.

/// What made a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// `func() { … }`; Go before 1.22 calls what `go` and `defer` wrap so, too.
    Literal,
    /// A `go` statement.
    Go,
    /// A `defer` statement.
    Defer,
    /// The body of a `for range` over a function.
    Range,
}

/// The name of a function literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiteralName<'a> {
    /// The package path, as in the symbol.
    pub package: &'a str,
    /// The elements up to the literal's own: the functions that it is in, outermost first.
    pub functions: Vec<&'a str>,
    /// From the function that it is written in down to itself.
    pub path: Vec<Kind>,
    /// Its own elements are those of an inlined function's literal: `main.f.func1.func2`.
    pub renamed: bool,
}

impl<'a> LiteralName<'a> {
    /// Takes a symbol name apart; `None` where it is not that of a literal.
    pub fn parse(name: &'a str) -> Option<Self> {
        // Nearly all names of others end here.
        if !name.ends_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let package = crate::Executable::package(name);
        let mut functions = elements(name.strip_prefix(package)?.strip_prefix('.')?);
        let (mut path, mut renamed) = (Vec::new(), false);
        let mut inner_is_numbered_anew = false;
        while let Some(last) = functions.pop() {
            let (element, ranges) = without_ranges(last);
            path.extend(std::iter::repeat_n(Kind::Range, ranges));
            let Some((kind, anew)) = kind(element) else {
                functions.push(element);
                break;
            };
            renamed |= inner_is_numbered_anew;
            inner_is_numbered_anew = anew;
            path.push(kind);
        }
        path.reverse();
        (!path.is_empty() && !functions.is_empty()).then_some(Self {
            package,
            functions,
            path,
            renamed,
        })
    }

    /// As many of the innermost functions as `other` has.
    pub fn last(&self, other: &[&str]) -> &[&'a str] {
        let first = self.functions.len().saturating_sub(other.len());
        self.functions.get(first..).unwrap_or_default()
    }

    /// The end of its name behind the functions that it is in: `.func1.2`.
    pub fn own(&self, name: &'a str) -> &'a str {
        let functions: usize = self
            .functions
            .iter()
            .map(|function| function.len() + 1)
            .sum();
        name.get(self.package.len() + functions..)
            .unwrap_or_default()
    }

    /// The functions without an instance that only holds the code of its shape, which went into it: `main.Map[int].Map[go.shape.int]`.
    pub fn written_in(&self) -> &[&'a str] {
        let (outer, inner) = self.functions.split_at(self.functions.len() / 2);
        if outer != inner && are_instances(outer, inner) {
            inner
        } else {
            &self.functions
        }
    }
}

/// Are these the same functions, type arguments aside?
pub(crate) fn are_instances(some: &[&str], others: &[&str]) -> bool {
    some.len() == others.len()
        && some
            .iter()
            .zip(others)
            .all(|(one, other)| without_type_arguments(one).eq(without_type_arguments(other)))
}

/// Splits at dots that are not in brackets, nor in what the compiler calls code that stands in no function: `init.0`, `glob.`.
fn elements(name: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let numbered = |rest: &str| {
        rest.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len())
    };
    let first = match name.strip_prefix("init.").map(numbered) {
        Some(digits) if digits > 0 => 5 + digits,
        _ if name.starts_with("glob..") => 5,
        _ => 0,
    };
    let mut all: Vec<&str> = name
        .get(..first)
        .filter(|_| first > 0)
        .into_iter()
        .collect();
    let rest = name.get(first..).unwrap_or_default();
    let rest = if first > 0 {
        rest.strip_prefix('.').unwrap_or(rest)
    } else {
        rest
    };
    all.extend(rest.split(|c| {
        match c {
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '.' && depth == 0
    }));
    all
}

/// `f-range1-range2` → `f` and 2.
fn without_ranges(mut element: &str) -> (&str, usize) {
    let mut ranges = 0;
    while let Some((before, number)) = element.rsplit_once("-range") {
        if !is_number(number) {
            break;
        }
        element = before;
        ranges += 1;
    }
    (element, ranges)
}

/// What an element of a literal's own says; and whether it begins anew, as no literal inside another one is written.
fn kind(element: &str) -> Option<(Kind, bool)> {
    let words = [
        ("func", Kind::Literal, true),
        ("gowrap", Kind::Go, false),
        ("deferwrap", Kind::Defer, false),
        ("", Kind::Literal, false),
    ];
    words.into_iter().find_map(|(word, kind, anew)| {
        is_number(element.strip_prefix(word)?).then_some((kind, anew))
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_type_arguments(element: &str) -> impl Iterator<Item = char> {
    let mut depth = 0_u32;
    element.chars().filter(move |c| match c {
        '[' => {
            depth += 1;
            false
        }
        ']' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str) -> Option<(Vec<&str>, Vec<Kind>, bool)> {
        LiteralName::parse(name).map(|name| (name.functions, name.path, name.renamed))
    }

    #[test]
    fn names_of_literals() {
        use Kind::{Defer, Go, Literal, Range};
        for (name, functions, path, renamed) in [
            ("main.f.func1", &["f"][..], &[Literal][..], false),
            ("main.f.func1.2", &["f"], &[Literal, Literal], false),
            ("main.f.func1.func2", &["f"], &[Literal, Literal], true),
            ("a.b/c.(*T).m.func3", &["(*T)", "m"], &[Literal], false),
            ("a.b/c%2ed.T.m.gowrap1", &["T", "m"], &[Go], false),
            ("main.f.func1.deferwrap2", &["f"], &[Literal, Defer], false),
            ("main.f-range1", &["f"], &[Range], false),
            ("main.f-range1.2", &["f"], &[Range, Literal], false),
            (
                "main.f.func1-range1-range2",
                &["f"],
                &[Literal, Range, Range],
                false,
            ),
            ("main.a.f.func4", &["a", "f"], &[Literal], false),
            (
                "main.a.func1.f.func4.1",
                &["a", "func1", "f"],
                &[Literal, Literal],
                false,
            ),
            ("main.glob..func1", &["glob."], &[Literal], false),
            ("main.init.0.func1", &["init.0"], &[Literal], false),
            ("main.init.func1", &["init"], &[Literal], false),
            ("main.init.0.f.func1", &["init.0", "f"], &[Literal], false),
            (
                "main.a.(*Box[go.shape.struct { A.b int }]).get.func11",
                &["a", "(*Box[go.shape.struct { A.b int }])", "get"],
                &[Literal],
                false,
            ),
        ] {
            let expected = (functions.to_vec(), path.to_vec(), renamed);
            assert_eq!(parsed(name), Some(expected), "{name}");
        }
        for name in [
            "main.f",
            "main.func1",
            "main.md5",
            "main.T.m-fm",
            "crosscall2",
            "",
            "main.1",
            "main.init.0",
        ] {
            assert_eq!(parsed(name), None, "{name}");
        }
    }

    #[test]
    fn an_instance_that_holds_its_shape_is_left_out() {
        for (name, functions) in [
            (
                "main.g[int].g[go.shape.int].func1",
                &["g[go.shape.int]"][..],
            ),
            (
                "main.(*B[int]).m.(*B[go.shape.int]).m.func1",
                &["(*B[go.shape.int])", "m"],
            ),
            ("main.a.f.func1", &["a", "f"]),
            ("main.f.f.func1", &["f", "f"]),
        ] {
            let parsed = LiteralName::parse(name).unwrap();
            assert_eq!(parsed.written_in(), functions, "{name}");
        }
    }
}
