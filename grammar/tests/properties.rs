//! What holds for every program, and for every text that is none.

mod common;

use common::{programs, spaced::spaced_sources, unknown_texts, without_spans};
use grammar::{ast::Program, format, parse, print};
use proptest::prelude::*;

/// Words, marks and spaces of the language in any order: closer to programs, and to their mistakes, than random characters are.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "trace ",
        "target ",
        "set ",
        "param ",
        "config ",
        "budget",
        "compensate",
        "on",
        "off",
        "5%",
        "%",
        "import ",
        "macro ",
        "every ",
        "begin ",
        "end {",
        "every 5s { ",
        "show ",
        "clear a",
        "print ",
        "\"{dur}",
        "\"{a.b \\\"x\\\"} {{\"",
        "\"}\"",
        "until ",
        "count ",
        "sum(",
        "lhist(a, 0, 9, 1)",
        " by ",
        "trce ",
        "include ",
        "exclude ",
        "depth ",
        "min ",
        "max ",
        "pid ",
        "comm ",
        "sample ",
        "limit ",
        "per ",
        "for ",
        "stack ",
        "where ",
        "args ",
        "ret ",
        "a.b",
        "x[1]",
        "len(s)",
        " == ",
        " && ",
        " and ",
        "!",
        "=~ ",
        " has ",
        " in [",
        " as ",
        ".(*T)",
        "nil",
        "'a'",
        "'",
        "?",
        "->",
        "||",
        ".",
        "hist",
        "latency: ",
        "foo ",
        "main.f",
        "main.(*T).g",
        "net/http*",
        "main.Map[...]",
        "@main",
        "@",
        ":a.go",
        ":",
        "./x",
        "\"a b\"",
        "\"",
        "\\",
        "\"\\q\"",
        "100ms",
        "10sec",
        "1.5s",
        "1/100",
        "3",
        "0x",
        "99999999999999999999",
        "4KiB",
        "$n",
        "$",
        "true",
        "<",
        ">",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ";",
        ";",
        ",",
        "=",
        ">=",
        " ",
        " ",
        "\n",
        "\n",
        "# c\n",
        "#",
        "-",
        "*",
        "é",
        "\u{a0}",
        "\u{201c}",
        "\t",
        "\r\n",
        "\0",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Whatever the text, its tree and its errors point into it, and what is in order can be formatted.
fn examine(source: &str) -> Result<(), TestCaseError> {
    let parsed = parse(source);
    let mut last = 0;
    for error in &parsed.errors {
        prop_assert!(source.get(error.span.clone()).is_some(), "{error:?}");
        prop_assert!(error.span.start >= last, "errors are in source order");
        last = error.span.start;
        for (span, _) in &error.secondary {
            prop_assert!(source.get(span.clone()).is_some(), "{error:?}");
        }
        prop_assert!(!error.message.is_empty() && !error.label.is_empty());
    }
    let mut spans = Vec::new();
    common::visit_spans(&mut parsed.program.clone(), &mut |span| {
        spans.push(span.clone())
    });
    for span in spans {
        prop_assert!(source.get(span.clone()).is_some(), "{span:?} in {source:?}");
    }
    // What was read can be written, mistakes or not.
    print(&parsed.program);
    match format(source) {
        Err(errors) => prop_assert_eq!(errors, parsed.errors),
        Ok(formatted) => {
            prop_assert_eq!(&parsed.errors, &[]);
            same_program(source, &parsed.program, &formatted)?;
        }
    }
    Ok(())
}

/// The formatted text says what the source says, and formatting it again changes nothing.
fn same_program(source: &str, program: &Program, formatted: &str) -> Result<(), TestCaseError> {
    let again = parse(formatted);
    prop_assert_eq!(&again.errors, &[], "{}", formatted);
    prop_assert_eq!(
        without_spans(program.clone()),
        without_spans(again.program.clone()),
        "{}",
        formatted
    );
    prop_assert_eq!(
        unknown_texts(program, source),
        unknown_texts(&again.program, formatted)
    );
    let twice = format(formatted);
    prop_assert_eq!(twice.as_deref(), Ok(formatted));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_program_reads_as_the_same_tree(program in programs()) {
        let text = print(&program);
        let parsed = parse(&text);
        prop_assert_eq!(parsed.errors, [], "{}", text);
        prop_assert_eq!(without_spans(parsed.program), without_spans(program), "{}", text);
    }

    #[test]
    fn formatting_keeps_the_program_and_its_comments((source, comments) in spaced_sources()) {
        let parsed = parse(&source);
        prop_assert_eq!(&parsed.errors, &[], "{}", source);
        let formatted = format(&source).unwrap();
        same_program(&source, &parsed.program, &formatted)?;
        let found: Vec<String> = formatted
            .lines()
            .filter_map(|line| line.find("# ☂").map(|at| line[at..].to_owned()))
            .collect();
        prop_assert_eq!(found, comments, "{}", formatted);
    }

    #[test]
    fn any_text_can_be_read(source in any::<String>()) {
        examine(&source)?;
    }

    #[test]
    fn a_program_cut_short_can_be_read((source, _) in spaced_sources(), cut in any::<prop::sample::Index>()) {
        let ends: Vec<usize> = source.char_indices().map(|(at, _)| at).chain([source.len()]).collect();
        examine(&source[..*cut.get(&ends)])?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_in_any_order_can_be_read(source in soup()) {
        examine(&source)?;
    }
}

#[test]
fn nesting_is_bounded() {
    for (opener, closer) in [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("([", "])"),
        ("\"\"(", ")"),
    ] {
        for prefix in [
            "trace main.f",
            "trace main.f < where ",
            "",
            "config ",
            "budget",
            "compensate",
            "on",
            "off",
            "5%",
            "%",
            "import ",
            "every ",
            "begin { print ",
            "trace main.f < sum(a) by ",
            "target ",
            "trace main.f < include a",
            "\"\n",
        ] {
            let source = format!("{prefix}{}{}", opener.repeat(10_000), closer.repeat(10_000));
            let errors = parse(&source).errors;
            assert_eq!(errors.len(), 1, "{prefix}{opener}");
            assert_eq!(errors[0].code, grammar::code::TOO_DEEP);
        }
    }
    let deep = format!("trace main.F{}int{}", "[T".repeat(32), "]".repeat(32));
    assert_eq!(parse(&deep).errors, []);
}

#[test]
fn brackets_in_strings_and_comments_are_not_nested() {
    let source = format!(
        "# {}\ntrace \"main.{}\"",
        "(".repeat(1_000),
        "[".repeat(1_000)
    );
    let parsed = parse(&source);
    assert_eq!(parsed.errors, []);
    assert_eq!(
        without_spans(parse(&print(&parsed.program)).program),
        without_spans(parsed.program)
    );
}
