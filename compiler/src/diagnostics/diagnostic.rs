//! Diagnostics as values: a code, a message, places in the program, notes and ways out.
//!
//! The command line renders them (see [`crate::diagnostics::report()`]), `check --format json` and an editor take them as they are.

use serde::Serialize;

use crate::diagnostics::{
    codes::{self, Code},
    severity::Severity,
};

/// A program text and the name under which messages speak of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// `<command line>` or the file's name.
    pub name: String,
    /// The program.
    pub text: String,
}

impl Source {
    /// The source called `name`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// A place in the program and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Byte offsets into the source text.
    pub span: std::ops::Range<usize>,
    /// What is said there; may be empty.
    pub text: String,
    /// The place of the mistake itself, not one that explains it.
    pub primary: bool,
}

/// One thing to say about a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// Its stable code, documented in `docs/diagnostics.md`.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where; empty for a mistake that is not in the program text.
    pub labels: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// Ways out.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic with a code of the table, which also gives its severity.
    #[must_use]
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code: code.id(),
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Is it that a pattern names no function of the executable? Another file may have it.
    #[must_use]
    pub fn selects_nothing(&self) -> bool {
        self.code == codes::MATCHED_NOTHING.id()
    }

    /// Is it that values of some functions are not shown, for want of room for the code?
    #[must_use]
    pub fn leaves_values_out(&self) -> bool {
        self.code == codes::VALUES_LEFT_OUT.id()
    }

    /// Adds the place of the mistake.
    #[must_use]
    pub(crate) fn at(mut self, span: &grammar::ast::Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span: span.clone(),
            text: text.into(),
            primary: true,
        });
        self
    }

    /// Adds a place that explains it.
    #[must_use]
    pub(crate) fn also_at(mut self, span: &grammar::ast::Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span: span.clone(),
            text: text.into(),
            primary: false,
        });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a way out.
    #[must_use]
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds a way out if there is one.
    #[must_use]
    pub(crate) fn maybe_help(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }
}

impl From<grammar::SyntaxError> for Diagnostic {
    fn from(error: grammar::SyntaxError) -> Self {
        let mut labels = vec![Label {
            span: error.span,
            text: error.label,
            primary: true,
        }];
        labels.extend(error.secondary.into_iter().map(|(span, text)| Label {
            span,
            text,
            primary: false,
        }));
        Self {
            severity: Severity::Error,
            code: error.code,
            message: error.message,
            labels,
            notes: Vec::new(),
            help: error.help.into_iter().collect(),
        }
    }
}

/// True if any of `diagnostics` is an error.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}
