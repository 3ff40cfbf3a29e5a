//! Where words, line breaks and comments go: shared by the printer, which has a tree only, and the formatter, which has its source too.

use crate::{
    ast::{
        Action, ActionKind, Clause, ClauseKind, Config, Expression, ExpressionKind, Hook,
        HookMoment, Item, Param, Pattern, Program, Set, Setting, Shown, Span, Spanned, Target,
        Template, TemplatePart, Trace, Value, ValueKind,
    },
    token,
};

/// No line is made longer than this by joining words.
const WIDTH: usize = 100;

/// A word, and what stands between it and the word before.
struct Piece {
    glue: &'static str,
    text: String,
    span: Span,
}

/// A clause, a setting or an action: where it stands in the source, and its words.
type Entry<'a> = (&'a Span, Vec<Piece>);

struct Comment<'a> {
    text: &'a str,
    /// Nothing but white space is before it on its line.
    own_line: bool,
    /// There is a blank line before it.
    blank: bool,
}

/// What is between two words of the source.
#[derive(Default)]
struct Gap<'a> {
    comments: Vec<Comment<'a>>,
    /// There is a blank line at its end.
    blank: bool,
}

/// Writes a program.
pub(crate) struct Layout<'a> {
    source: Option<&'a str>,
    out: String,
}

impl<'a> Layout<'a> {
    /// A layout of the words in `source`, or of the tree's values where there is none.
    pub(crate) fn new(source: Option<&'a str>) -> Self {
        Self {
            source,
            out: String::new(),
        }
    }

    pub(crate) fn program(mut self, program: &Program) -> String {
        let mut at = 0;
        for item in &program.items {
            let span = match item {
                Item::Trace(item) => &item.span,
                Item::Target(item) => &item.span,
                Item::Set(item) => &item.span,
                Item::Param(item) => &item.span,
                Item::Config(item) => &item.span,
                Item::Hook(item) => &item.span,
            };
            let gap = self.gap(at..span.start);
            self.comments(&gap, 0);
            self.line(0, gap.blank);
            match item {
                Item::Trace(trace) => self.trace(trace),
                Item::Target(target) => self.flow(&self.target(target), 4),
                Item::Set(set) => self.flow(&self.set(set), 4),
                Item::Param(param) => self.flow(&self.param(param), 4),
                Item::Config(config) => self.config(config),
                Item::Hook(hook) => self.hook(hook),
            }
            at = span.end;
        }
        let gap = self.gap(at..self.source.map_or(at, str::len));
        self.comments(&gap, 0);
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    fn trace(&mut self, trace: &Trace) {
        let start = trace.span.start;
        let mut heading = vec![word("trace", start)];
        if let Some(label) = &trace.label {
            heading.push(Piece {
                glue: " ",
                text: format!("{}:", label.node),
                span: label.span.clone(),
            });
        }
        heading.extend(self.patterns(&trace.patterns, " "));
        self.flow(&heading, 4);
        let heading_end = trace.patterns.last().map_or(start, |p| p.span.end);
        let clauses = trace.clauses.iter();
        let clauses: Vec<Entry> = clauses
            .map(|clause| (&clause.span, self.clause(clause)))
            .collect();
        self.entries(heading_end, &clauses, trace.span.end, (" < ", " >"));
    }

    fn config(&mut self, config: &Config) {
        let keyword = word("config", config.span.start);
        let heading_end = keyword.span.end;
        self.flow(&[keyword], 4);
        let settings = config.settings.iter();
        let settings: Vec<Entry> = settings
            .map(|setting| (&setting.span, self.setting(setting)))
            .collect();
        self.entries(heading_end, &settings, config.span.end, (" < ", " >"));
    }

    fn hook(&mut self, hook: &Hook) {
        let start = hook.keyword.span.start;
        let mut heading = vec![name("", &hook.keyword)];
        if let HookMoment::Every(interval) = &hook.moment {
            heading.push(self.value(interval, " "));
        }
        let heading_end = heading.last().map_or(start, |piece| piece.span.end);
        self.flow(&heading, 4);
        let actions = hook.actions.iter();
        let actions: Vec<Entry> = actions
            .map(|action| (&action.span, self.action(action)))
            .collect();
        self.entries(heading_end, &actions, hook.span.end, (" { ", " }"));
    }

    /// Clauses, settings or actions: on the line of their heading if they are short, or one line for each.
    fn entries(
        &mut self,
        heading_end: usize,
        entries: &[Entry<'_>],
        end: usize,
        (opener, closer): (&str, &str),
    ) {
        let Some((first_span, _)) = entries.first() else {
            return;
        };
        let one_line: Vec<String> = entries.iter().map(|(_, pieces)| joined(pieces)).collect();
        let one_line = format!("{opener}{}{closer}", one_line.join("; "));
        if self.column() + one_line.chars().count() <= WIDTH
            && !self.spans_lines(heading_end, first_span.start, end)
        {
            self.out.push_str(&one_line);
            return;
        }
        self.out.push_str(" {");
        let mut at = heading_end;
        let mut first = true;
        for (span, pieces) in entries {
            let gap = self.gap(at..span.start);
            self.comments(&gap, 4);
            self.line(4, gap.blank && !first);
            self.flow(pieces, 8);
            self.out.push(';');
            at = span.end;
            first = false;
        }
        let gap = self.gap(at..end);
        self.comments(&gap, 4);
        self.line(0, false);
        self.out.push('}');
    }

    fn target(&self, target: &Target) -> Vec<Piece> {
        let path = Piece {
            glue: " ",
            text: self.leaf(&target.path.span, || token::path(&target.path.node)),
            span: target.path.span.clone(),
        };
        vec![word("target", target.span.start), path]
    }

    fn set(&self, set: &Set) -> Vec<Piece> {
        let name = Piece {
            glue: " ",
            text: format!("@{}", set.name.node),
            span: set.name.span.clone(),
        };
        let mut pieces = vec![word("set", set.span.start), name];
        pieces.extend(self.patterns(&set.patterns, " = "));
        pieces
    }

    fn param(&self, param: &Param) -> Vec<Piece> {
        let mut pieces = vec![word("param", param.span.start)];
        pieces.push(Piece {
            glue: " ",
            text: param.name.node.clone(),
            span: param.name.span.clone(),
        });
        pieces.extend(param.ty.iter().map(|ty| Piece {
            glue: ": ",
            text: ty.node.clone(),
            span: ty.span.clone(),
        }));
        pieces.extend(
            param
                .default
                .iter()
                .map(|default| self.value(default, " = ")),
        );
        pieces
    }

    fn setting(&self, setting: &Setting) -> Vec<Piece> {
        let mut value = self.value(&setting.value, " = ");
        if self.source.is_none() {
            match setting.value.kind {
                ValueKind::Bool(true) => value.text = "on".to_owned(),
                ValueKind::Bool(false) => value.text = "off".to_owned(),
                _ => {}
            }
        }
        vec![name("", &setting.name), value]
    }

    fn action(&self, action: &Action) -> Vec<Piece> {
        let mut pieces = vec![name("", &action.keyword)];
        match &action.kind {
            ActionKind::Print(template) => pieces.push(self.template(template)),
            ActionKind::Show(names) | ActionKind::Clear(names) => pieces.extend(
                names
                    .iter()
                    .enumerate()
                    .map(|(at, one)| name(if at == 0 { " " } else { ", " }, one)),
            ),
        }
        pieces
    }

    fn clause(&self, clause: &Clause) -> Vec<Piece> {
        let mut pieces = vec![name("", &clause.keyword)];
        match &clause.kind {
            ClauseKind::Include(patterns) | ClauseKind::Exclude(patterns) => {
                pieces.extend(self.patterns(patterns, " "));
            }
            ClauseKind::Depth(value)
            | ClauseKind::Min(value)
            | ClauseKind::Max(value)
            | ClauseKind::Prune(value)
            | ClauseKind::For(value) => pieces.push(self.value(value, " ")),
            ClauseKind::Pid(values) | ClauseKind::Comm(values) | ClauseKind::Goroutine(values) => {
                pieces.extend(
                    values
                        .iter()
                        .enumerate()
                        .map(|(at, value)| self.value(value, if at == 0 { " " } else { ", " })),
                );
            }
            ClauseKind::Sample { one, of } => {
                pieces.push(self.value(one, " "));
                pieces.push(self.value(of, "/"));
            }
            ClauseKind::Limit { count, per } => {
                pieces.push(self.value(count, " "));
                pieces.extend(per.iter().map(|per| self.value(per, " per ")));
            }
            ClauseKind::Stack(value) => {
                pieces.extend(value.iter().map(|value| self.value(value, " ")));
            }
            ClauseKind::Where(condition) | ClauseKind::Until(condition) => {
                self.expression(condition, " ", &mut pieces);
            }
            ClauseKind::Args(list) | ClauseKind::Ret(list) => {
                self.shown(list, " ", &mut pieces);
            }
            ClauseKind::Print(template) => pieces.push(self.template(template)),
            ClauseKind::Aggregate(aggregation) => {
                if let Some(label) = &aggregation.name {
                    pieces = vec![
                        Piece {
                            glue: "",
                            text: format!("{}:", label.node),
                            span: label.span.clone(),
                        },
                        name(" ", &clause.keyword),
                    ];
                }
                if !aggregation.arguments.is_empty() {
                    let opened = clause.keyword.span.end;
                    let bracket = |text: &str, at: usize| Piece {
                        glue: "",
                        text: text.to_owned(),
                        span: at..at,
                    };
                    pieces.push(bracket("(", opened));
                    self.expressions(&aggregation.arguments, &mut pieces);
                    let closed = match aggregation.keys.as_slice() {
                        [] => clause.span.end,
                        _ => pieces.last().map_or(opened, |piece| piece.span.end),
                    };
                    pieces.push(bracket(")", closed));
                }
                self.shown(&aggregation.keys, " by ", &mut pieces);
            }
            // The tree does not hold the rest of it: it stays as it is written.
            ClauseKind::Unknown => {
                pieces = vec![Piece {
                    glue: "",
                    text: self.leaf(&clause.span, || clause.keyword.node.clone()),
                    span: clause.span.clone(),
                }];
            }
        }
        pieces
    }

    fn shown(&self, list: &[Shown], first: &'static str, out: &mut Vec<Piece>) {
        for (at, shown) in list.iter().enumerate() {
            self.expression(&shown.expression, if at == 0 { first } else { ", " }, out);
            out.extend(shown.name.iter().map(|name| Piece {
                glue: " as ",
                text: self.leaf(&name.span, || token::shown_name(&name.node)),
                span: name.span.clone(),
            }));
        }
    }

    fn template(&self, template: &Template) -> Piece {
        let written = || {
            let mut text = String::new();
            for part in &template.parts {
                match part {
                    TemplatePart::Text(part) => {
                        text.push_str(
                            &token::string_content(part)
                                .replace('{', "{{")
                                .replace('}', "}}"),
                        );
                    }
                    TemplatePart::Expression(expression) => {
                        let mut pieces = Vec::new();
                        self.expression(expression, "", &mut pieces);
                        text.push_str(&format!("{{{}}}", joined(&pieces).replace('"', "\\\"")));
                    }
                }
            }
            format!("\"{text}\"")
        };
        Piece {
            glue: " ",
            text: self.leaf(&template.span, written),
            span: template.span.clone(),
        }
    }

    fn expression(&self, expression: &Expression, glue: &'static str, out: &mut Vec<Piece>) {
        let span = &expression.span;
        let closer = |text: &str| Piece {
            glue: "",
            text: text.to_owned(),
            span: span.end.saturating_sub(text.len())..span.end,
        };
        let opener = |glue, text: String, start: usize| Piece {
            glue,
            span: start..start + text.len(),
            text,
        };
        match &expression.kind {
            ExpressionKind::Parentheses(inner) => {
                out.push(opener(glue, "(".to_owned(), span.start));
                self.expression(inner, "", out);
                out.push(closer(")"));
            }
            ExpressionKind::List(list) => {
                out.push(opener(glue, "[".to_owned(), span.start));
                self.expressions(list, out);
                out.push(closer("]"));
            }
            ExpressionKind::Call {
                function,
                arguments,
            } => {
                out.push(opener(glue, format!("{}(", function.node), span.start));
                self.expressions(arguments, out);
                out.push(closer(")"));
            }
            ExpressionKind::Field { of, name } => {
                self.expression(of, glue, out);
                out.push(opener("", format!(".{}", name.node), of.span.end));
            }
            ExpressionKind::Assertion { of, ty } => {
                self.expression(of, glue, out);
                out.push(Piece {
                    glue: "",
                    text: format!(".({})", ty.node),
                    span: of.span.end..span.end,
                });
            }
            ExpressionKind::Index { of, index } => {
                self.expression(of, glue, out);
                out.push(opener("", "[".to_owned(), of.span.end));
                self.expression(index, "", out);
                out.push(closer("]"));
            }
            ExpressionKind::Unary { operator, operand } => {
                out.push(opener(
                    glue,
                    operator.node.symbol().to_owned(),
                    operator.span.start,
                ));
                self.expression(operand, "", out);
            }
            ExpressionKind::Binary {
                operator,
                left,
                right,
            } => {
                self.expression(left, glue, out);
                out.push(opener(
                    " ",
                    operator.node.symbol().to_owned(),
                    operator.span.start,
                ));
                self.expression(right, " ", out);
            }
            kind => out.push(Piece {
                glue,
                text: self.leaf(span, || token::operand(kind)),
                span: span.clone(),
            }),
        }
    }

    fn expressions(&self, list: &[Expression], out: &mut Vec<Piece>) {
        for (at, expression) in list.iter().enumerate() {
            self.expression(expression, if at == 0 { "" } else { ", " }, out);
        }
    }

    fn patterns(&self, patterns: &[Pattern], glue: &'static str) -> Vec<Piece> {
        patterns
            .iter()
            .enumerate()
            .map(|(at, pattern)| Piece {
                glue: if at == 0 { glue } else { ", " },
                text: self.leaf(&pattern.span, || token::pattern(pattern)),
                span: pattern.span.clone(),
            })
            .collect()
    }

    fn value(&self, value: &Value, glue: &'static str) -> Piece {
        Piece {
            glue,
            text: self.leaf(&value.span, || token::value(value)),
            span: value.span.clone(),
        }
    }

    /// The word as it is written, or as the tree's value is written where there is no source.
    fn leaf(&self, span: &Span, rendered: impl FnOnce() -> String) -> String {
        self.source
            .and_then(|source| source.get(span.clone()))
            .map_or_else(rendered, str::to_owned)
    }

    /// Writes words on the current line; on further lines after comments, and where a list grows too long.
    fn flow(&mut self, pieces: &[Piece], indent: usize) {
        let mut end: Option<usize> = None;
        for piece in pieces {
            let gap = match end {
                Some(end) => self.gap(end..piece.span.start),
                None => Gap::default(),
            };
            let too_long = piece.glue.starts_with(',')
                && self.column() + piece.glue.len() + piece.text.chars().count() > WIDTH;
            if gap.comments.is_empty() && !too_long {
                self.out.push_str(piece.glue);
            } else {
                self.out.push_str(piece.glue.trim_end());
                for (at, comment) in gap.comments.iter().enumerate() {
                    if at == 0 {
                        self.out.push(' ');
                    } else {
                        self.line(indent, false);
                    }
                    self.out.push_str(comment.text);
                }
                self.line(indent, false);
            }
            self.out.push_str(&piece.text);
            end = Some(piece.span.end);
        }
    }

    /// Writes comments: one that shares its line with a word stays there, others have lines of their own.
    fn comments(&mut self, gap: &Gap<'_>, indent: usize) {
        for (at, comment) in gap.comments.iter().enumerate() {
            if at == 0 && !comment.own_line && !self.out.is_empty() {
                self.out.push(' ');
            } else {
                self.line(indent, comment.blank && !self.out.ends_with('{'));
            }
            self.out.push_str(comment.text);
        }
    }

    /// Begins a line, after a blank one if asked for; the first line of all is there already.
    fn line(&mut self, indent: usize, blank: bool) {
        if !self.out.is_empty() {
            self.out.push('\n');
            if blank {
                self.out.push('\n');
            }
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn column(&self) -> usize {
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        line.chars().count()
    }

    /// Whether the clause list between `heading_end` and `end` is to be written on several lines: where it is already, and where a comment
    /// stands before it. (A comment within it is followed by a line break.)
    fn spans_lines(&self, heading_end: usize, first_clause: usize, end: usize) -> bool {
        let text = |span: Span| self.source.and_then(|source| source.get(span));
        let before = heading_end..first_clause;
        let opener = text(before.clone()).and_then(|text| text.find(['<', '{']));
        !self.gap(before).comments.is_empty()
            || text(heading_end + opener.unwrap_or_default()..end)
                .is_some_and(|list| list.contains('\n'))
    }

    /// The comments in a stretch of the source that holds no strings.
    fn gap(&self, span: Span) -> Gap<'a> {
        let mut gap = Gap::default();
        let mut rest = self
            .source
            .and_then(|source| source.get(span.clone()))
            .unwrap_or_default();
        let mut own_line = span.start == 0;
        let mut newlines = 0;
        while let Some(c) = rest.chars().next() {
            if c == '#' {
                let (text, tail) = rest.split_at(rest.find('\n').unwrap_or(rest.len()));
                gap.comments.push(Comment {
                    text: text.trim_end(),
                    own_line,
                    blank: newlines > 1,
                });
                newlines = 0;
                own_line = false;
                rest = tail;
                continue;
            }
            match c {
                '\n' => {
                    newlines += 1;
                    own_line = true;
                }
                c if c.is_whitespace() || c == '\u{FEFF}' => {}
                _ => {
                    newlines = 0;
                    own_line = false;
                }
            }
            rest = &rest[c.len_utf8()..];
        }
        gap.blank = newlines > 1;
        gap
    }
}

/// A keyword of an item.
fn word(keyword: &'static str, start: usize) -> Piece {
    Piece {
        glue: "",
        text: keyword.to_owned(),
        span: start..start + keyword.len(),
    }
}

/// A name as it is written.
fn name(glue: &'static str, name: &Spanned<String>) -> Piece {
    Piece {
        glue,
        text: name.node.clone(),
        span: name.span.clone(),
    }
}

fn joined(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .flat_map(|piece| [piece.glue, piece.text.as_str()])
        .collect()
}
