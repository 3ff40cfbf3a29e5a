//! Wrong programs, and all that is said of each: code, place, message, label, other places, help.

mod aggregations;
mod config;
mod expressions;
mod items;
mod lists;
mod values;

use grammar::{ast::Span, parse, print};
use insta::assert_snapshot;

/// The errors of a program, one after another, each place with the text there.
fn mistakes(source: &str) -> String {
    let quoted = |at: &Span| -> String {
        let visible = |c: char| match c {
            c if c.is_control() || c == '\u{a0}' => c.escape_default().to_string(),
            c => c.to_string(),
        };
        source[at.clone()].chars().map(visible).collect()
    };
    let mut out = String::new();
    for error in &parse(source).errors {
        let at = &error.span;
        let text = quoted(at);
        out += &format!("{} {at:?} `{text}`: {}\n", error.code, error.message);
        out += &format!("  {}\n", error.label);
        for (at, label) in &error.secondary {
            out += &format!("  {at:?} `{}`: {label}\n", quoted(at));
        }
        if let Some(help) = &error.help {
            out += &format!("  help: {help}\n");
        }
    }
    out
}

#[test]
fn all_mistakes_of_a_program_in_one_run() {
    assert_snapshot!(mistakes("trce main.a < min 10sec; depth >\nset x = main.*\ntrace main.b < include main.(*T; exclude ; pid 1 2\ntrace main.c { max 3s >\nimport \"x\"\ntrace main.d < comm \"a >"), @r#"
    E0102 0..4 `trce`: `trce` is not a keyword
      unknown keyword
      help: did you mean `trace`?
    E0115 18..23 `10sec`: `10sec` is not a number, a duration or a size
      `sec` is not a unit
      help: did you mean `10s`?
    E0118 25..30 `depth`: `depth` needs a number
      expected a number after this
      help: for example `depth 3`
    E0121 37..38 `x`: the name of a set begins with `@`
      write `@x`
      help: for example `set @storage = database/sql/..., main.(*DB).*`
    E0110 76..77 `(`: this `(` is never closed
      no `)` belongs to it
    E0105 81..88 `exclude`: `exclude` needs a pattern
      expected a pattern after this
      help: for example `exclude runtime.*`
    E0106 97..98 `2`: expected `,` before `2`
      expected `,` before this
    E0110 98..98 ``: this clause list is not closed by `>`
      expected `>` here
      61..62 `<`: `<` opens the list here
    E0111 121..122 `>`: `{` is closed by `>`
      expected `}`
      112..113 `{`: `{` opens the list here
    E0103 123..129 `import`: `import` is not in this version: programs cannot import others yet
      not in this version
      help: this version has trace, target, set, param, config, every, begin, end
    E0108 154..158 `"a >`: this string does not end on its line
      a `"` opens it, and no other closes it
      help: write \" for a quote within a string
    "#);
}

#[test]
fn what_is_in_order_is_kept() {
    for (source, kept) in [
        ("trce main.f < min 1ms >", "trace main.f < min 1ms >\n"),
        ("trce slow: main.f main.g", "trace slow: main.f, main.g\n"),
        (
            "main.foo < depth 3; min x >",
            "trace main.foo < depth 3 >\n",
        ),
        (
            "trace main.f < min 1ms max 3s; pid 1 2; depth x; include a.b,, c.d",
            "trace main.f < min 1ms; max 3s; pid 1, 2; include a.b, c.d >\n",
        ),
        (
            "trace main.f < min 1ms }\nset @x = a.b c.d",
            "trace main.f < min 1ms >\nset @x = a.b, c.d\n",
        ),
        (
            "trace main.f { comm \"x\ntrace main.g < depth 1 >",
            "trace main.f\ntrace main.g < depth 1 >\n",
        ),
        (
            "trace main.f { min 1ms;\n  trace main.g",
            "trace main.f < min 1ms >\ntrace main.g\n",
        ),
        ("import \"x\" trace main.f", "trace main.f\n"),
        ("param x = y; param z = 3", "param z = 3\n"),
        (
            "config { budget = five; compensate = on trace main.f",
            "config < compensate = on >\ntrace main.f\n",
        ),
        (
            "config main { a = 1%, b = 2 >",
            "config < a = 1%; b = 2 >\n",
        ),
        ("config { a }\ntrace main.f", "trace main.f\n"),
        (
            "target ./x < min 1ms > trace main.f",
            "target ./x\ntrace main.f\n",
        ),
    ] {
        let parsed = parse(source);
        assert!(!parsed.errors.is_empty(), "{source}");
        assert_eq!(print(&parsed.program), kept, "{source}");
    }
}

#[test]
fn codes_are_distinct_and_in_order() {
    let codes: Vec<&str> = grammar::code::ALL.iter().map(|(code, _)| *code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    assert!(codes.iter().all(|code| code.starts_with("E01")));
}

#[test]
fn an_error_reads_as_its_code_and_message() {
    let parsed = parse("trace main.f < >");
    assert_eq!(
        parsed.errors[0].to_string(),
        "E0113: this clause list is empty"
    );
}
