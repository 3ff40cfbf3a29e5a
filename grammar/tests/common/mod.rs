//! Random programs, as trees and as carelessly spaced texts.

use grammar::{
    ast::{
        Action, ActionKind, AggregateFunction, Aggregation, Clause, ClauseKind, Config, Expression,
        ExpressionKind, Hook, HookMoment, Item, Param, Pattern, PatternKind, Program, Set, Setting,
        Shown, Span, Spanned, Target, Template, TemplatePart, Trace, Value, ValueKind,
    },
    keywords, print,
};
use proptest::{prelude::*, sample::select};

mod expressions;
pub mod spaced;

/// Calls `see` with every span of the tree.
pub fn visit_spans(program: &mut Program, see: &mut impl FnMut(&mut Span)) {
    for item in &mut program.items {
        match item {
            Item::Trace(trace) => {
                see(&mut trace.span);
                if let Some(label) = &mut trace.label {
                    see(&mut label.span);
                }
                trace.patterns.iter_mut().for_each(|p| see(&mut p.span));
                for clause in &mut trace.clauses {
                    see(&mut clause.span);
                    see(&mut clause.keyword.span);
                    match &mut clause.kind {
                        ClauseKind::Include(list) | ClauseKind::Exclude(list) => {
                            list.iter_mut().for_each(|p| see(&mut p.span));
                        }
                        ClauseKind::Depth(value)
                        | ClauseKind::Min(value)
                        | ClauseKind::Max(value)
                        | ClauseKind::Prune(value)
                        | ClauseKind::For(value) => see(&mut value.span),
                        ClauseKind::Pid(list)
                        | ClauseKind::Comm(list)
                        | ClauseKind::Goroutine(list) => {
                            list.iter_mut().for_each(|v| see(&mut v.span));
                        }
                        ClauseKind::Sample { one, of } => {
                            see(&mut one.span);
                            see(&mut of.span);
                        }
                        ClauseKind::Limit { count, per } => {
                            see(&mut count.span);
                            per.iter_mut().for_each(|v| see(&mut v.span));
                        }
                        ClauseKind::Stack(value) => {
                            value.iter_mut().for_each(|v| see(&mut v.span));
                        }
                        ClauseKind::Where(condition) | ClauseKind::Until(condition) => {
                            condition.visit_spans(see);
                        }
                        ClauseKind::Args(list) | ClauseKind::Ret(list) => visit_shown(list, see),
                        ClauseKind::Print(template) => visit_template(template, see),
                        ClauseKind::Aggregate(aggregation) => {
                            aggregation.name.iter_mut().for_each(|n| see(&mut n.span));
                            let arguments = aggregation.arguments.iter_mut();
                            arguments.for_each(|argument| argument.visit_spans(see));
                            visit_shown(&mut aggregation.keys, see);
                        }
                        ClauseKind::Unknown => {}
                    }
                }
            }
            Item::Target(target) => {
                see(&mut target.span);
                see(&mut target.path.span);
            }
            Item::Set(set) => {
                see(&mut set.span);
                see(&mut set.name.span);
                set.patterns.iter_mut().for_each(|p| see(&mut p.span));
            }
            Item::Param(param) => {
                see(&mut param.span);
                see(&mut param.name.span);
                param.ty.iter_mut().for_each(|ty| see(&mut ty.span));
                param.default.iter_mut().for_each(|v| see(&mut v.span));
            }
            Item::Config(config) => {
                see(&mut config.span);
                for setting in &mut config.settings {
                    see(&mut setting.span);
                    see(&mut setting.name.span);
                    see(&mut setting.value.span);
                }
            }
            Item::Hook(hook) => {
                see(&mut hook.span);
                see(&mut hook.keyword.span);
                if let HookMoment::Every(interval) = &mut hook.moment {
                    see(&mut interval.span);
                }
                for action in &mut hook.actions {
                    see(&mut action.span);
                    see(&mut action.keyword.span);
                    match &mut action.kind {
                        ActionKind::Print(template) => visit_template(template, see),
                        ActionKind::Show(names) | ActionKind::Clear(names) => {
                            names.iter_mut().for_each(|n| see(&mut n.span));
                        }
                    }
                }
            }
        }
    }
}

fn visit_shown(list: &mut [Shown], see: &mut impl FnMut(&mut Span)) {
    for shown in list {
        see(&mut shown.span);
        shown.expression.visit_spans(see);
        shown.name.iter_mut().for_each(|n| see(&mut n.span));
    }
}

fn visit_template(template: &mut Template, see: &mut impl FnMut(&mut Span)) {
    see(&mut template.span);
    for part in &mut template.parts {
        if let TemplatePart::Expression(expression) = part {
            expression.visit_spans(see);
        }
    }
}

/// The tree with nothing but what was written.
pub fn without_spans(mut program: Program) -> Program {
    visit_spans(&mut program, &mut |span| *span = 0..0);
    program
}

/// The clauses of which the tree holds the keyword only, as they are written.
pub fn unknown_texts<'a>(program: &Program, source: &'a str) -> Vec<&'a str> {
    program
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Trace(trace) => Some(&trace.clauses),
            _ => None,
        })
        .flatten()
        .filter(|clause| clause.kind == ClauseKind::Unknown)
        .map(|clause| &source[clause.span.clone()])
        .collect()
}

fn spanned(node: String) -> Spanned<String> {
    Spanned { node, span: 0..0 }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z_][a-zA-Z0-9_]{0,8}", Just("größe".to_owned())]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ a-z\"\\\\\n#;<>{}()\\[\\]]{0,8}"]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let part = select(vec![
        "main",
        ".",
        "/",
        "*",
        "?",
        "(*T)",
        "[...]",
        "[go.shape.int,...]",
        "-fm",
        "net/http",
        "func1",
        "%2e",
        "x",
        "min",
        "trace",
        "(",
        "]",
    ]);
    let name = prop_oneof![
        4 => prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat()),
        1 => text(),
        1 => select(vec!["min", "trace", "where", "begin"]).prop_map(str::to_owned),
    ];
    prop_oneof![
        4 => name.prop_map(PatternKind::Name),
        1 => prop_oneof!["[a-z]{1,8}\\.go", text()].prop_map(PatternKind::File),
        1 => word().prop_map(PatternKind::Set),
    ]
    .prop_map(|kind| Pattern { span: 0..0, kind })
}

fn patterns() -> impl Strategy<Value = Vec<Pattern>> {
    prop::collection::vec(pattern(), 1..5)
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(ValueKind::Integer),
        text().prop_map(ValueKind::String),
        prop_oneof![any::<u64>(), (0..5_000u64).prop_map(|s| s * 1_000_000_000)]
            .prop_map(ValueKind::Duration),
        prop_oneof![any::<u64>(), (0..5_000u64).prop_map(|k| k << 10)].prop_map(ValueKind::Size),
        any::<u32>().prop_map(ValueKind::Percent),
        any::<bool>().prop_map(ValueKind::Bool),
    ]
    .prop_map(|kind| Value { span: 0..0, kind })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => literal(),
        1 => word().prop_map(|name| Value { span: 0..0, kind: ValueKind::Param(name) }),
    ]
}

fn share() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(ValueKind::Integer),
        word().prop_map(ValueKind::Param),
    ]
    .prop_map(|kind| Value { span: 0..0, kind })
}

fn clause() -> impl Strategy<Value = Clause> {
    let values = || prop::collection::vec(value(), 1..4);
    let later = prop_oneof![
        select(keywords::LATER_CLAUSES.to_vec()).prop_map(str::to_owned),
        word().prop_filter("a clause that is no known word", |word| {
            !keywords::is_reserved(word)
        }),
    ];
    prop_oneof![
        patterns().prop_map(|list| ("include".to_owned(), ClauseKind::Include(list))),
        patterns().prop_map(|list| ("exclude".to_owned(), ClauseKind::Exclude(list))),
        value().prop_map(|value| ("depth".to_owned(), ClauseKind::Depth(value))),
        value().prop_map(|value| ("min".to_owned(), ClauseKind::Min(value))),
        value().prop_map(|value| ("max".to_owned(), ClauseKind::Max(value))),
        value().prop_map(|value| ("prune".to_owned(), ClauseKind::Prune(value))),
        value().prop_map(|value| ("for".to_owned(), ClauseKind::For(value))),
        values().prop_map(|list| ("pid".to_owned(), ClauseKind::Pid(list))),
        values().prop_map(|list| ("comm".to_owned(), ClauseKind::Comm(list))),
        values().prop_map(|list| ("goroutine".to_owned(), ClauseKind::Goroutine(list))),
        (share(), share())
            .prop_map(|(one, of)| ("sample".to_owned(), ClauseKind::Sample { one, of })),
        (value(), prop::option::of(value()))
            .prop_map(|(count, per)| ("limit".to_owned(), ClauseKind::Limit { count, per })),
        prop::option::of(value()).prop_map(|value| ("stack".to_owned(), ClauseKind::Stack(value))),
        expressions::expression().prop_map(|e| ("where".to_owned(), ClauseKind::Where(e))),
        expressions::shown().prop_map(|list| ("args".to_owned(), ClauseKind::Args(list))),
        expressions::shown().prop_map(|list| ("ret".to_owned(), ClauseKind::Ret(list))),
        expressions::expression().prop_map(|e| ("until".to_owned(), ClauseKind::Until(e))),
        template().prop_map(|template| ("print".to_owned(), ClauseKind::Print(template))),
        aggregation(),
        later.prop_map(|word| (word, ClauseKind::Unknown)),
    ]
    .prop_map(|(keyword, kind)| Clause {
        span: 0..0,
        keyword: spanned(keyword),
        kind,
    })
}

fn aggregation() -> impl Strategy<Value = (String, ClauseKind)> {
    let function = select(AggregateFunction::ALL.to_vec());
    let arguments = prop::collection::vec(expressions::expression(), 4);
    let keys = prop_oneof![Just(Vec::new()), expressions::shown()];
    (prop::option::of(word()), function, arguments, keys).prop_map(
        |(name, function, mut arguments, keys)| {
            arguments.truncate(function.arguments());
            let aggregation = Aggregation {
                name: name.map(spanned),
                function,
                arguments,
                keys,
            };
            (
                function.word().to_owned(),
                ClauseKind::Aggregate(aggregation),
            )
        },
    )
}

fn template() -> impl Strategy<Value = Template> {
    let expression = expressions::expression().prop_map(|mut expression| {
        without_escapes(&mut expression);
        expression
    });
    let part = prop_oneof![
        text().prop_map(TemplatePart::Text),
        "[ a-z{}\"\\\\]{0,6}".prop_map(TemplatePart::Text),
        expression.prop_map(TemplatePart::Expression),
    ];
    prop::collection::vec(part, 0..5).prop_map(|found| {
        let mut parts: Vec<TemplatePart> = Vec::new();
        for part in found {
            match (parts.last_mut(), part) {
                (_, TemplatePart::Text(text)) if text.is_empty() => {}
                (Some(TemplatePart::Text(before)), TemplatePart::Text(text)) => {
                    before.push_str(&text);
                }
                (_, part) => parts.push(part),
            }
        }
        Template { span: 0..0, parts }
    })
}

/// Strings between the braces of a `print` have no escapes.
fn without_escapes(expression: &mut Expression) {
    match &mut expression.kind {
        ExpressionKind::String(text) => {
            text.retain(|c| !c.is_control() && !"\"\\".contains(c));
        }
        ExpressionKind::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            expression.kind = ExpressionKind::String(text);
            without_escapes(expression);
        }
        ExpressionKind::Parentheses(inner)
        | ExpressionKind::Field { of: inner, .. }
        | ExpressionKind::Assertion { of: inner, .. }
        | ExpressionKind::Unary { operand: inner, .. } => without_escapes(inner),
        ExpressionKind::Index { of, index } => {
            without_escapes(of);
            without_escapes(index);
        }
        ExpressionKind::Binary { left, right, .. } => {
            without_escapes(left);
            without_escapes(right);
        }
        ExpressionKind::List(list)
        | ExpressionKind::Call {
            arguments: list, ..
        } => list.iter_mut().for_each(without_escapes),
        _ => {}
    }
}

fn hook() -> impl Strategy<Value = Hook> {
    let names = || {
        let name = word().prop_filter("no action", |word| {
            !keywords::ACTIONS.contains(&word.as_str())
        });
        prop::collection::vec(name.prop_map(spanned), 0..3)
    };
    let action = prop_oneof![
        template().prop_map(|template| ("print", ActionKind::Print(template))),
        names().prop_map(|names| ("show", ActionKind::Show(names))),
        names().prop_map(|names| ("clear", ActionKind::Clear(names))),
    ]
    .prop_map(|(keyword, kind)| Action {
        span: 0..0,
        keyword: spanned(keyword.to_owned()),
        kind,
    });
    let moment = prop_oneof![
        Just(("begin", HookMoment::Begin)),
        Just(("end", HookMoment::End)),
        value().prop_map(|value| ("every", HookMoment::Every(value))),
    ];
    (moment, prop::collection::vec(action, 1..4)).prop_map(|((keyword, moment), actions)| Hook {
        span: 0..0,
        keyword: spanned(keyword.to_owned()),
        moment,
        actions,
    })
}

fn item() -> impl Strategy<Value = Item> {
    let trace = (
        prop::option::of(word()),
        patterns(),
        prop::collection::vec(clause(), 0..5),
    )
        .prop_map(|(label, patterns, clauses)| {
            Item::Trace(Trace {
                span: 0..0,
                label: label.map(spanned),
                patterns,
                clauses,
            })
        });
    let path = prop_oneof![
        "\\.?/[a-z/._-]{1,12}",
        select(vec!["trace", "set", "./a(b"]).prop_map(str::to_owned),
        text()
    ];
    let types = select(vec!["int", "duration", "size", "string", "bool", "percent"]);
    let name = prop_oneof![
        word(),
        select(vec!["budget", "compensate", "trace", "min"]).prop_map(str::to_owned)
    ];
    let setting = (name, value()).prop_map(|(name, value)| Setting {
        span: 0..0,
        name: spanned(name),
        value,
    });
    prop_oneof![
        4 => trace,
        1 => path.prop_map(|path| Item::Target(Target { span: 0..0, path: spanned(path) })),
        1 => prop::collection::vec(setting, 1..4)
            .prop_map(|settings| Item::Config(Config { span: 0..0, settings })),
        1 => hook().prop_map(Item::Hook),
        1 => (word(), patterns())
            .prop_map(|(name, patterns)| Item::Set(Set { span: 0..0, name: spanned(name), patterns })),
        1 => (word(), prop::option::of(types), prop::option::of(literal())).prop_map(|(name, ty, default)| {
            Item::Param(Param {
                span: 0..0,
                name: spanned(name),
                ty: ty.map(|ty| spanned(ty.to_owned())),
                default,
            })
        }),
    ]
}

/// Any tree that a text can have.
pub fn programs() -> impl Strategy<Value = Program> {
    prop::collection::vec(item(), 0..5).prop_map(|items| Program { items })
}
