//! Diagnostics for people (codespan-reporting) and for programs (JSON).

use codespan_reporting::{
    diagnostic::{self as codespan, LabelStyle},
    files::SimpleFile,
    term::{
        self,
        termcolor::{Ansi, NoColor},
    },
};
use serde::Serialize;

use crate::diagnostics::{
    diagnostic::{Diagnostic, Source},
    escape::{escape, is_unsafe},
    severity::Severity,
};

/// The diagnostics as text for a terminal or a log, each with the lines of the program that it is about, and how many there are of what.
#[must_use]
pub fn report(source: &Source, diagnostics: &[Diagnostic], color: bool) -> String {
    let text = harmless(&source.text);
    let file = SimpleFile::new(escape(&source.name), text.as_str());
    let config = term::Config {
        start_context_lines: 1,
        end_context_lines: 1,
        ..term::Config::default()
    };
    let mut bytes = Vec::new();
    for diagnostic in diagnostics {
        let diagnostic = rendered(diagnostic, source.text.len());
        // Writing to memory fails only on a span outside the text, and `rendered` clips those.
        let result = if color {
            term::emit_to_write_style(&mut Ansi::new(&mut bytes), &config, &file, &diagnostic)
        } else {
            term::emit_to_write_style(&mut NoColor::new(&mut bytes), &config, &file, &diagnostic)
        };
        if let Err(error) = result {
            bytes.extend_from_slice(format!("{}: {error}\n", diagnostic.message).as_bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text with a `?` for every byte of a character that controls a terminal: a program may come from anywhere, and places must not move.
fn harmless(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            if is_unsafe(c) && !matches!(c, '\n' | '\r' | '\t') {
                out.extend(std::iter::repeat_n('?', c.len_utf8()));
            } else {
                out.push(c);
            }
            out
        })
}

/// What is said of a program may quote it, the command line or the executable.
fn said(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(escape).collect();
    lines.join("\n")
}

fn rendered(diagnostic: &Diagnostic, length: usize) -> codespan::Diagnostic<()> {
    let severity = match diagnostic.severity {
        Severity::Error => codespan::Severity::Error,
        Severity::Warning => codespan::Severity::Warning,
        Severity::Note => codespan::Severity::Note,
    };
    let labels = diagnostic
        .labels
        .iter()
        .map(|label| {
            let style = if label.primary {
                LabelStyle::Primary
            } else {
                LabelStyle::Secondary
            };
            let (start, end) = (label.span.start.min(length), label.span.end.min(length));
            codespan::Label::new(style, (), start..end.max(start)).with_message(said(&label.text))
        })
        .collect();
    let notes = diagnostic.notes.iter().map(|note| said(note)).chain(
        diagnostic
            .help
            .iter()
            .map(|help| format!("help: {}", said(help))),
    );
    codespan::Diagnostic::new(severity)
        .with_code(diagnostic.code)
        .with_message(said(&diagnostic.message))
        .with_labels(labels)
        .with_notes(notes.collect())
}

/// A diagnostic with places a person or an editor can use.
#[derive(Serialize)]
struct Located<'a> {
    #[serde(flatten)]
    diagnostic: &'a Diagnostic,
    file: &'a str,
    /// Of the first primary label, if there is one; lines and columns count from 1, columns in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

/// The diagnostics as JSON lines, one object each: the fields of [`Diagnostic`], and `file`, `line` and `column` of its first place.
#[must_use]
pub fn report_json(source: &Source, diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .filter_map(|diagnostic| {
            let place = diagnostic
                .labels
                .iter()
                .find(|label| label.primary)
                .and_then(|label| source.text.get(..label.span.start))
                .map(|before| {
                    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
                    let column = before
                        .get(line_start..)
                        .map_or(0, |line| line.chars().count());
                    (before.matches('\n').count() + 1, column + 1)
                });
            let located = Located {
                diagnostic,
                file: &source.name,
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
            };
            serde_json::to_string(&located).ok().map(|line| line + "\n")
        })
        .collect()
}
