//! Expressions, by the condition that they are.

use grammar::ast::{ClauseKind, Expression, ExpressionKind};

use super::{clause, program, trace};

/// An expression with a pair of brackets around each operator's operands.
fn bracketed(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Parentheses(inner) => bracketed(inner),
        ExpressionKind::List(list) => {
            let list: Vec<String> = list.iter().map(bracketed).collect();
            format!("[{}]", list.join(", "))
        }
        ExpressionKind::Field { of, name } => format!("{}.{}", bracketed(of), name.node),
        ExpressionKind::Index { of, index } => format!("{}[{}]", bracketed(of), bracketed(index)),
        ExpressionKind::Assertion { of, ty } => format!("{}.({})", bracketed(of), ty.node),
        ExpressionKind::Call {
            function,
            arguments,
        } => {
            let list: Vec<String> = arguments.iter().map(bracketed).collect();
            format!("{}({})", function.node, list.join(", "))
        }
        ExpressionKind::Unary { operator, operand } => {
            format!("{{{}{}}}", operator.node.symbol(), bracketed(operand))
        }
        ExpressionKind::Binary {
            operator,
            left,
            right,
        } => format!(
            "{{{} {} {}}}",
            bracketed(left),
            operator.node.symbol(),
            bracketed(right)
        ),
        ExpressionKind::Integer(value) => value.to_string(),
        ExpressionKind::Float(bits) => format!("{:?}", f64::from_bits(*bits)),
        ExpressionKind::String(text) => format!("{text:?}"),
        ExpressionKind::Bytes(bytes) => format!("{bytes:?}"),
        ExpressionKind::Duration(ns) => format!("{ns}ns"),
        ExpressionKind::Size(bytes) => format!("{bytes}B"),
        ExpressionKind::Bool(value) => value.to_string(),
        ExpressionKind::Nil => "nil".to_owned(),
        ExpressionKind::Param(name) => format!("${name}"),
        ExpressionKind::Name(name) => name.clone(),
    }
}

fn condition(text: &str) -> String {
    match clause(&format!("where {text}")) {
        ClauseKind::Where(condition) => bracketed(&condition),
        kind => panic!("{text}: {kind:?}"),
    }
}

#[test]
fn operators_bind_as_in_go() {
    for (text, tree) in [
        ("a", "a"),
        ("limit > 100", "{limit > 100}"),
        ("a || b && c", "{a || {b && c}}"),
        ("a && b || c && d", "{{a && b} || {c && d}}"),
        ("a || b || c", "{{a || b} || c}"),
        ("!a && -b < c", "{{!a} && {{-b} < c}}"),
        ("a + b * c - d % e", "{{a + {b * c}} - {d % e}}"),
        ("a & b == c", "{{a & b} == c}"),
        ("a - b - c / d / e", "{{a - b} - {{c / d} / e}}"),
        ("(a || b) && c", "{{a || b} && c}"),
        ("!!a", "{!{!a}}"),
        ("a - -b", "{a - {-b}}"),
        ("*p.x * *q", "{{*p.x} * {*q}}"),
        ("a>1&&b<2||c>=3", "{{{a > 1} && {b < 2}} || {c >= 3}}"),
        (
            "r.Method == \"POST\" && r.URL.Path has \"/api/\"",
            "{{r.Method == \"POST\"} && {r.URL.Path has \"/api/\"}}",
        ),
        ("sql =~ \"SELECT*\"", "{sql =~ \"SELECT*\"}"),
        ("code in [404, 5 * 100]", "{code in [404, {5 * 100}]}"),
        ("!(a in [1])", "{!{a in [1]}}"),
        (
            "x[i+1].y.(*net/http.Request).z[0]",
            "x[{i + 1}].y.(*net/http.Request).z[0]",
        ),
        (
            "e.(map[string]func(int) (bool, error)) != nil",
            "{e.(map[string]func(int) (bool, error)) != nil}",
        ),
        ("len(rows) > cap( b )", "{len(rows) > cap(b)}"),
        ("f()", "f()"),
        (
            "size > 4KiB && dur >= 1.5s",
            "{{size > 4096B} && {dur >= 1500000000ns}}",
        ),
        (
            "x > 1.5 || x < 2e-3 || x == 1e9",
            "{{{x > 1.5} || {x < 0.002}} || {x == 1000000000.0}}",
        ),
        (
            "c == 'a' || c == '\\n' || c == '\\''",
            "{{{c == 97} || {c == 10}} || {c == 39}}",
        ),
        ("ok == true && err != nil", "{{ok == true} && {err != nil}}"),
        ("a > $least", "{a > $least}"),
        ("a-1 > b", "{{a - 1} > b}"),
        ("a # why\n > # not\n b", "{a > b}"),
    ] {
        assert_eq!(condition(text), tree, "{text}");
    }
}

#[test]
fn names_may_be_words_of_the_language() {
    for text in [
        "min > 5",
        "limit == count",
        "depth",
        "ret.err != nil",
        "ret[0] == args",
        "trace == 1",
        "in in [in]",
        "has has \"has\"",
        "on && !off",
        "where > for",
    ] {
        condition(text);
    }
    let shown = |text: &str| match clause(text) {
        ClauseKind::Args(list) | ClauseKind::Ret(list) => list,
        kind => panic!("{text}: {kind:?}"),
    };
    let shown = |text: &str| -> Vec<String> {
        let list = shown(text);
        list.iter()
            .map(|shown| {
                let name = shown.name.as_ref().map_or("", |name| &name.node);
                format!("{} {name}", bracketed(&shown.expression))
            })
            .collect()
    };
    assert_eq!(shown("args"), [""; 0]);
    assert_eq!(shown("ret"), [""; 0]);
    assert_eq!(shown("args sql, limit as n"), ["sql ", "limit n"]);
    assert_eq!(shown("args min, max, as as as"), ["min ", "max ", "as as"]);
    assert_eq!(
        shown("ret err, len(ret[0]) as rows"),
        ["err ", "len(ret[0]) rows"]
    );
    assert_eq!(shown("args a > b, c"), ["{a > b} ", "c "]);
    assert_eq!(shown("args a as \"s.name\", b"), ["a s.name", "b "]);
}

#[test]
fn a_condition_ends_where_its_clause_does() {
    let keywords = |source: &str| -> Vec<String> {
        let clauses = trace(source).clauses;
        clauses.iter().map(|c| c.keyword.node.clone()).collect()
    };
    assert_eq!(
        keywords("trace main.f < where a > 1; args a; ret >"),
        ["where", "args", "ret"]
    );
    assert_eq!(
        keywords("trace main.f {\n where a\n  > 1;\n args;\n ret\n}"),
        ["where", "args", "ret"]
    );
    assert_eq!(keywords("trace main.f < args >"), ["args"]);
    let two = program("trace main.f < where a < b > trace main.g < where a >= b >");
    assert_eq!(two.items.len(), 2);
    let two = program("trace main.f < where a > b >\ntrace main.g");
    assert_eq!(two.items.len(), 2);
}
