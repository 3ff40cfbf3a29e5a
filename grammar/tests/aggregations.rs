//! Aggregations, texts with expressions in them, and hooks, read as they are meant.

use grammar::{
    ast::{ActionKind, ClauseKind, ExpressionKind, HookMoment, Item, Span, TemplatePart, Trace},
    parse,
};

fn items(source: &str) -> Vec<Item> {
    let parsed = parse(source);
    assert_eq!(parsed.errors, [], "{source}");
    parsed.program.items
}

fn trace(source: &str) -> Trace {
    match items(source).as_slice() {
        [Item::Trace(trace)] => trace.clone(),
        items => panic!("{source}: {items:?}"),
    }
}

type Parts<'s> = (Option<&'s str>, &'s str, Vec<&'s str>, Vec<&'s str>);

#[test]
fn aggregations() {
    let source = "trace main.f < count; a : sum(len(x)) by caller, y > 3 as many; lhist(n, -1, 5ms, 1); by: hist (dur)by fn>";
    let found = trace(source);
    let text = |span: &Span| &source[span.clone()];
    let parts: Vec<Parts<'_>> = found
        .clauses
        .iter()
        .map(|clause| {
            let ClauseKind::Aggregate(aggregation) = &clause.kind else {
                panic!("{clause:?}");
            };
            assert_eq!(aggregation.function.word(), clause.keyword.node);
            assert_eq!(
                aggregation.function.arguments(),
                aggregation.arguments.len()
            );
            let arguments = aggregation.arguments.iter();
            let keys = aggregation.keys.iter();
            (
                aggregation.name.as_ref().map(|name| text(&name.span)),
                text(&clause.keyword.span),
                arguments.map(|argument| text(&argument.span)).collect(),
                keys.map(|key| text(&key.span)).collect(),
            )
        })
        .collect();
    let expected: [Parts<'_>; 4] = [
        (None, "count", vec![], vec![]),
        (
            Some("a"),
            "sum",
            vec!["len(x)"],
            vec!["caller", "y > 3 as many"],
        ),
        (None, "lhist", vec!["n", "-1", "5ms", "1"], vec![]),
        (Some("by"), "hist", vec!["dur"], vec!["fn"]),
    ];
    assert_eq!(parts, expected);
    assert_eq!(
        text(&found.clauses[1].span),
        "a : sum(len(x)) by caller, y > 3 as many"
    );
}

#[test]
fn parameters_may_be_called_like_aggregations() {
    for list in [
        "where count > 3 && sum != 0 && until == 1; stack",
        "args count, print; stack",
        "count by count, sum; stack",
        "until hist > 3; stack",
    ] {
        assert_eq!(trace(&format!("trace main.f < {list} >")).clauses.len(), 2);
    }
}

#[test]
fn expressions_in_texts_have_their_places() {
    let source = r#"trace main.f < print "é\t{{{ r.Path }}} {x has \"}\" && y}" >"#;
    let found = trace(source);
    let ClauseKind::Print(template) = &found.clauses[0].kind else {
        panic!("{found:?}");
    };
    assert_eq!(
        &source[template.span.clone()],
        r#""é\t{{{ r.Path }}} {x has \"}\" && y}""#
    );
    let parts: Vec<Result<&str, &str>> = template
        .parts
        .iter()
        .map(|part| match part {
            TemplatePart::Text(text) => Ok(text.as_str()),
            TemplatePart::Expression(expression) => Err(&source[expression.span.clone()]),
        })
        .collect();
    let expected = [
        Ok("é\t{"),
        Err("r.Path"),
        Ok("} "),
        Err(r#"x has \"}\" && y"#),
    ];
    assert_eq!(parts, expected);
    let TemplatePart::Expression(last) = &template.parts[3] else {
        panic!("{template:?}");
    };
    let ExpressionKind::Binary { left, .. } = &last.kind else {
        panic!("{last:?}");
    };
    let ExpressionKind::Binary { right, .. } = &left.kind else {
        panic!("{left:?}");
    };
    assert_eq!(right.kind, ExpressionKind::String("}".to_owned()));
}

#[test]
fn texts_without_expressions() {
    for (written, parts) in [
        (r#""""#, vec![]),
        (r#""a""#, vec!["a"]),
        (r#""{{}}""#, vec!["{}"]),
        (r#""\"{{\\""#, vec!["\"{\\"]),
        (r#""\u007bx}}""#, vec!["{x}"]),
    ] {
        let found = trace(&format!("trace main.f < print {written} >"));
        let ClauseKind::Print(template) = &found.clauses[0].kind else {
            panic!("{found:?}");
        };
        let parts: Vec<TemplatePart> = parts
            .into_iter()
            .map(|text| TemplatePart::Text(text.to_owned()))
            .collect();
        assert_eq!(template.parts, parts, "{written}");
    }
}

#[test]
fn hooks() {
    let source = "begin { print \"x\" } every $t { show a, b; clear; } end{show} trace main.f";
    let text = |span: &Span| &source[span.clone()];
    let mut items = items(source);
    assert!(matches!(items.pop(), Some(Item::Trace(_))));
    type Actions<'s> = Vec<(&'s str, Vec<&'s str>)>;
    let found: Vec<(&str, &str, Actions<'_>)> = items
        .iter()
        .map(|item| {
            let Item::Hook(hook) = item else {
                panic!("{item:?}");
            };
            let interval = match &hook.moment {
                HookMoment::Every(interval) => text(&interval.span),
                HookMoment::Begin | HookMoment::End => "",
            };
            let actions = hook.actions.iter().map(|action| {
                let names = match &action.kind {
                    ActionKind::Print(_) => vec![],
                    ActionKind::Show(names) | ActionKind::Clear(names) => {
                        names.iter().map(|name| text(&name.span)).collect()
                    }
                };
                (text(&action.keyword.span), names)
            });
            (text(&hook.keyword.span), interval, actions.collect())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("begin", "", vec![("print", vec![])]),
            (
                "every",
                "$t",
                vec![("show", vec!["a", "b"]), ("clear", vec![])]
            ),
            ("end", "", vec![("show", vec![])]),
        ]
    );
}
