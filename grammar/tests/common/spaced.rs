//! Random programs as carelessly spaced texts.

use super::*;

/// A text with white space and comments where they may stand, and its comments in order.
pub fn spaced_sources() -> impl Strategy<Value = (String, Vec<String>)> {
    let gap = prop_oneof![
        6 => Just(" "),
        1 => Just("\n"),
        1 => Just("\n\n\n"),
        1 => Just("\t\r\n "),
        1 => Just(" #\n"),
        1 => Just("\n#\n"),
        1 => Just("\n\n  #\n\n#\n"),
    ];
    (programs(), any::<bool>(), prop::collection::vec(gap, 64)).prop_map(
        |(program, braces, gaps)| {
            let mut source = String::new();
            let mut comments = Vec::new();
            for (at, token) in tokens(&program, braces).iter().enumerate() {
                if at > 0 {
                    for c in gaps[at % gaps.len()].chars() {
                        source.push(c);
                        if c == '#' {
                            let comment = format!("# ☂{}", comments.len());
                            source.push_str(&comment[1..]);
                            comments.push(comment);
                        }
                    }
                }
                source.push_str(token);
            }
            (source, comments)
        },
    )
}

/// What the printer writes for one item, without its line end.
fn printed(item: Item) -> String {
    print(&Program { items: vec![item] }).trim_end().to_owned()
}

fn pattern_text(pattern: &Pattern) -> String {
    let set = Item::Set(Set {
        span: 0..0,
        name: spanned("s".to_owned()),
        patterns: vec![pattern.clone()],
    });
    printed(set)["set @s = ".len()..].to_owned()
}

pub fn operand_text(expression: &Expression) -> String {
    let trace = Item::Trace(Trace {
        span: 0..0,
        label: None,
        patterns: vec![Pattern {
            span: 0..0,
            kind: PatternKind::Set("s".to_owned()),
        }],
        clauses: vec![Clause {
            span: 0..0,
            keyword: spanned("where".to_owned()),
            kind: ClauseKind::Where(expression.clone()),
        }],
    });
    let text = printed(trace);
    let text = text
        .strip_prefix("trace @s < where ")
        .and_then(|text| text.strip_suffix(" >"))
        .or_else(|| {
            text.strip_prefix("trace @s {\n    where ")
                .and_then(|text| text.strip_suffix(";\n}"))
        });
    text.expect("a trace with one clause").to_owned()
}

fn value_text(value: &Value) -> String {
    let param = Item::Param(Param {
        span: 0..0,
        name: spanned("p".to_owned()),
        ty: None,
        default: Some(value.clone()),
    });
    printed(param)["param p = ".len()..].to_owned()
}

fn list(out: &mut Vec<String>, words: impl Iterator<Item = String>) {
    for (at, word) in words.enumerate() {
        if at > 0 {
            out.push(",".to_owned());
        }
        out.push(word);
    }
}

fn tokens(program: &Program, braces: bool) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for item in &program.items {
        match item {
            Item::Trace(trace) => {
                out.push("trace".to_owned());
                if let Some(label) = &trace.label {
                    out.extend([label.node.clone(), ":".to_owned()]);
                }
                list(&mut out, trace.patterns.iter().map(pattern_text));
                if !trace.clauses.is_empty() {
                    out.push(if braces { "{" } else { "<" }.to_owned());
                    for (at, clause) in trace.clauses.iter().enumerate() {
                        if at > 0 {
                            out.push(";".to_owned());
                        }
                        clause_tokens(&mut out, clause);
                    }
                    out.push(if braces { "}" } else { ">" }.to_owned());
                }
            }
            Item::Config(config) => {
                out.push("config".to_owned());
                out.push(if braces { "{" } else { "<" }.to_owned());
                for (at, setting) in config.settings.iter().enumerate() {
                    if at > 0 {
                        out.push(";".to_owned());
                    }
                    out.push(setting.name.node.clone());
                    out.push("=".to_owned());
                    out.push(value_text(&setting.value));
                }
                out.push(if braces { "}" } else { ">" }.to_owned());
            }
            Item::Hook(hook) => {
                out.push(hook.keyword.node.clone());
                if let HookMoment::Every(interval) = &hook.moment {
                    out.push(value_text(interval));
                }
                out.push("{".to_owned());
                for (at, action) in hook.actions.iter().enumerate() {
                    if at > 0 {
                        out.push(";".to_owned());
                    }
                    out.push(action.keyword.node.clone());
                    match &action.kind {
                        ActionKind::Print(template) => out.push(template_text(template)),
                        ActionKind::Show(names) | ActionKind::Clear(names) => {
                            list(&mut out, names.iter().map(|name| name.node.clone()));
                        }
                    }
                }
                out.push("}".to_owned());
            }
            Item::Set(set) => {
                out.extend([
                    "set".to_owned(),
                    format!("@{}", set.name.node),
                    "=".to_owned(),
                ]);
                list(&mut out, set.patterns.iter().map(pattern_text));
            }
            Item::Target(_) => {
                let text = printed(item.clone());
                out.push("target".to_owned());
                out.push(text["target ".len()..].to_owned());
            }
            Item::Param(param) => {
                out.extend(["param".to_owned(), param.name.node.clone()]);
                if let Some(ty) = &param.ty {
                    out.extend([":".to_owned(), ty.node.clone()]);
                }
                if let Some(default) = &param.default {
                    out.extend(["=".to_owned(), value_text(default)]);
                }
            }
        }
        if item_needs_separator(item) {
            out.push(";".to_owned());
        }
    }
    out
}

/// Some kinds of item, so that both ways to separate items occur; and where a comparison could go on.
fn item_needs_separator(item: &Item) -> bool {
    match item {
        Item::Target(_) | Item::Param(_) => true,
        Item::Set(_) | Item::Config(_) | Item::Hook(_) => false,
        Item::Trace(trace) => trace.clauses.last().is_some_and(|clause| {
            matches!(
                clause.kind,
                ClauseKind::Unknown
                    | ClauseKind::Where(_)
                    | ClauseKind::Args(_)
                    | ClauseKind::Ret(_)
                    | ClauseKind::Until(_)
                    | ClauseKind::Aggregate(_)
            )
        }),
    }
}

fn clause_tokens(out: &mut Vec<String>, clause: &Clause) {
    let keyword = clause.keyword.node.clone();
    if clause.kind == ClauseKind::Unknown {
        out.push(match keyword.as_str() {
            "blocked" => "blocked a > 1 && (b <= \"#;>\" || c >= 2)".to_owned(),
            "follow" => "label: follow go by x[1]".to_owned(),
            "output" => "output(a,\n      b)".to_owned(),
            _ => keyword,
        });
        return;
    }
    if let ClauseKind::Aggregate(Aggregation {
        name: Some(name), ..
    }) = &clause.kind
    {
        out.extend([name.node.clone(), ":".to_owned()]);
    }
    out.push(keyword);
    match &clause.kind {
        ClauseKind::Include(patterns) | ClauseKind::Exclude(patterns) => {
            list(out, patterns.iter().map(pattern_text));
        }
        ClauseKind::Depth(value)
        | ClauseKind::Min(value)
        | ClauseKind::Max(value)
        | ClauseKind::Prune(value)
        | ClauseKind::For(value) => out.push(value_text(value)),
        ClauseKind::Pid(values) | ClauseKind::Comm(values) | ClauseKind::Goroutine(values) => {
            list(out, values.iter().map(value_text));
        }
        ClauseKind::Sample { one, of } => {
            out.extend([value_text(one), "/".to_owned(), value_text(of)]);
        }
        ClauseKind::Limit { count, per } => {
            out.push(value_text(count));
            if let Some(per) = per {
                out.extend(["per".to_owned(), value_text(per)]);
            }
        }
        ClauseKind::Stack(value) => out.extend(value.iter().map(value_text)),
        ClauseKind::Where(condition) | ClauseKind::Until(condition) => {
            expressions::tokens(condition, out);
        }
        ClauseKind::Args(list) | ClauseKind::Ret(list) => shown_tokens(list, out),
        ClauseKind::Print(template) => out.push(template_text(template)),
        ClauseKind::Aggregate(aggregation) => {
            for (at, argument) in aggregation.arguments.iter().enumerate() {
                out.push(if at == 0 { "(" } else { "," }.to_owned());
                expressions::tokens(argument, out);
            }
            if !aggregation.arguments.is_empty() {
                out.push(")".to_owned());
            }
            if !aggregation.keys.is_empty() {
                out.push("by".to_owned());
            }
            shown_tokens(&aggregation.keys, out);
        }
        ClauseKind::Unknown => {}
    }
}

fn shown_tokens(list: &[Shown], out: &mut Vec<String>) {
    for (at, shown) in list.iter().enumerate() {
        if at > 0 {
            out.push(",".to_owned());
        }
        expressions::tokens(&shown.expression, out);
        if let Some(name) = &shown.name {
            let plain = name.node.chars().all(|c| c.is_alphanumeric() || c == '_');
            let quoted = format!("{:?}", name.node);
            let bare = plain && !name.node.is_empty();
            out.extend([
                "as".to_owned(),
                if bare { name.node.clone() } else { quoted },
            ]);
        }
    }
}

fn template_text(template: &Template) -> String {
    let hook = Item::Hook(Hook {
        span: 0..0,
        keyword: spanned("begin".to_owned()),
        moment: HookMoment::Begin,
        actions: vec![Action {
            span: 0..0,
            keyword: spanned("print".to_owned()),
            kind: ActionKind::Print(template.clone()),
        }],
    });
    let text = printed(hook);
    let text = text
        .strip_prefix("begin { print ")
        .and_then(|text| text.strip_suffix(" }"))
        .or_else(|| {
            text.strip_prefix("begin {\n    print ")
                .and_then(|text| text.strip_suffix(";\n}"))
        });
    text.expect("a hook with one action").to_owned()
}
