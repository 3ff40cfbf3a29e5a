//! The strings of `print`: text, and expressions between braces, each with its place in the source.
//!
//! To the grammar such a string is one like any other. Its braces are looked at here, and the expressions in them read by themselves.

use pest::{
    Parser as _,
    iterators::{Pair, Pairs},
};

use crate::{
    ast::{Expression, Span, Template, TemplatePart},
    error::{SyntaxError, code},
    expressions::{MAX_PARTS, is_missing},
    literal,
    parser::{Gfg, Reader, Rule, check_nesting, span},
};

impl<'i> Reader<'i> {
    /// A string with braces in it; nothing where it has mistakes, which are reported.
    pub(crate) fn template(&mut self, string: &Pair<'i, Rule>) -> Option<Template> {
        let errors = self.errors.len();
        let whole = span(string);
        let text = string.as_str();
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or(text);
        let mut parts = Parts::default();
        let mut rest = inner;
        while let Some(c) = rest.chars().next() {
            let start = whole.start + 1 + (inner.len() - rest.len());
            let taken = match c {
                '\\' => {
                    let length = 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
                    parts.text(start, rest.get(..length).unwrap_or(rest));
                    length
                }
                '{' | '}' if rest.get(1..).is_some_and(|rest| rest.starts_with(c)) => {
                    parts.brace(self, c);
                    2
                }
                '{' => match closing(rest) {
                    Some(end) => {
                        parts.end_text(self);
                        let between = rest.get(1..end).unwrap_or_default();
                        let expression = self.between_braces(between, start + 1);
                        parts.done.extend(expression.map(TemplatePart::Expression));
                        end + 1
                    }
                    None => {
                        self.report(unclosed(start));
                        break;
                    }
                },
                '}' => {
                    self.report(stray(start));
                    1
                }
                c => {
                    let length = c.len_utf8();
                    parts.text(start, rest.get(..length).unwrap_or(rest));
                    length
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        parts.end_text(self);
        (self.errors.len() == errors).then_some(Template {
            span: whole,
            parts: parts.done,
        })
    }

    /// The expression that begins at `start` of the source.
    fn between_braces(&mut self, written: &str, start: usize) -> Option<Expression> {
        let text = match unquoted(written) {
            Ok(text) => text,
            Err(at) => {
                self.report(
                    SyntaxError::new(
                        code::BAD_ESCAPE,
                        start + at..start + at + 1,
                        "strings between braces have no escapes",
                    )
                    .label("unexpected `\\`")
                    .help("the quotes of a string between braces are written \\\""),
                );
                return None;
            }
        };
        let mut reader = Reader::new(&text);
        let expression = reader.whole_expression();
        for mut error in reader.errors {
            shift(&mut error.span, start);
            for (span, _) in &mut error.secondary {
                shift(span, start);
            }
            self.report(error);
        }
        expression.map(|mut expression| {
            expression.visit_spans(&mut |span| shift(span, start));
            expression
        })
    }

    /// A text that is one expression.
    fn whole_expression(&mut self) -> Option<Expression> {
        let source = self.source;
        self.accept(check_nesting(source))?;
        let pairs = Gfg::parse(Rule::only_expression, source).ok();
        let too_many = pairs
            .clone()
            .into_iter()
            .flat_map(Pairs::flatten)
            .nth(MAX_PARTS);
        if let Some(last) = too_many {
            self.report(
                SyntaxError::new(
                    code::TOO_DEEP,
                    span(&last),
                    format!("an expression has at most {MAX_PARTS} parts"),
                )
                .label("too many from here on"),
            );
            return None;
        }
        let mut found = None;
        for pair in pairs.into_iter().flatten() {
            match pair.as_rule() {
                Rule::expression if is_missing(&pair) && source.trim().is_empty() => self.report(
                    SyntaxError::new(
                        code::EXPECTED_EXPRESSION,
                        0..source.len(),
                        "these braces hold no expression",
                    )
                    .label("expected an expression here")
                    .help("for example `print \"{dur}\"`; a brace itself is written {{"),
                ),
                Rule::expression => found = Some(self.expression(pair)),
                Rule::leftover => self.leftover(&pair, 0, false),
                _ => {}
            }
        }
        found
    }
}

/// The parts so far.
#[derive(Default)]
struct Parts {
    done: Vec<TemplatePart>,
    /// The text after them,
    text: String,
    /// and what follows it, still to be unescaped, with the place where that begins.
    raw: Option<(usize, String)>,
}

impl Parts {
    fn text(&mut self, start: usize, piece: &str) {
        let (_, raw) = self.raw.get_or_insert_with(|| (start, String::new()));
        raw.push_str(piece);
    }

    fn brace(&mut self, reader: &mut Reader<'_>, brace: char) {
        self.unescape(reader);
        self.text.push(brace);
    }

    fn end_text(&mut self, reader: &mut Reader<'_>) {
        self.unescape(reader);
        if !self.text.is_empty() {
            self.done
                .push(TemplatePart::Text(std::mem::take(&mut self.text)));
        }
    }

    fn unescape(&mut self, reader: &mut Reader<'_>) {
        if let Some((start, raw)) = self.raw.take() {
            let text = literal::unescaped(&raw, start);
            self.text.push_str(&reader.accept(text).unwrap_or_default());
        }
    }
}

fn shift(span: &mut Span, by: usize) {
    *span = span.start + by..span.end + by;
}

/// Where the brace is closed that a text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if escaped => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// The same text with plain quotes for escaped ones, its characters at the same places; or where a backslash is that belongs to none.
fn unquoted(text: &str) -> Result<String, usize> {
    let mut out = String::with_capacity(text.len());
    let mut quoted = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some((_, '"')) => {
                out.push_str(if quoted { "\" " } else { " \"" });
                quoted = !quoted;
            }
            _ => return Err(at),
        }
    }
    Ok(out)
}

fn unclosed(at: usize) -> SyntaxError {
    SyntaxError::new(code::MISSING_CLOSER, at..at + 1, "this `{` is never closed")
        .label("no `}` belongs to it")
        .help("a brace itself is written {{, a quote between braces \\\"")
}

fn stray(at: usize) -> SyntaxError {
    SyntaxError::new(code::STRAY_CLOSER, at..at + 1, "this `}` closes nothing")
        .label("no `{` is open here")
        .help("a brace itself is written }}")
}
