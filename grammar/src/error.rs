//! What is wrong with a program's syntax, as data: rendering belongs to whoever shows it.

use std::fmt;

use crate::ast::Span;

/// A mistake in a program text.
///
/// With the default `Display` it reads `E0110: …`; `label`, `secondary` and `help` are for renderers that show the source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyntaxError {
    /// One of [`code`], the same for the same mistake in every version.
    pub code: &'static str,
    /// The mistake in one sentence without a full stop.
    pub message: String,
    /// Where it is. Empty where something is missing between two characters.
    pub span: Span,
    /// A few words to stand under the span.
    pub label: String,
    /// Other places that explain it, such as the opener of a missing closer.
    pub secondary: Vec<(Span, String)>,
    /// What to write instead.
    pub help: Option<String>,
}

impl SyntaxError {
    pub(crate) fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            label: String::new(),
            secondary: Vec::new(),
            help: None,
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn secondary(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary.push((span, label.into()));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for SyntaxError {}

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        /// The codes of syntax errors. They are stable: a code is never given another meaning.
        pub mod code {
            $(#[doc = $meaning] pub const $name: &str = $code;)*
            /// Every code with its meaning, in order: for the page that explains them.
            pub const ALL: &[(&str, &str)] = &[$(($code, $meaning)),*];
        }
    };
}

codes! {
    EXPECTED_ITEM = "E0101", "An item was expected: `trace`, `target`, `set`, `param`, `config` or a hook.";
    MISSPELT_ITEM = "E0102", "An item's keyword is misspelt.";
    LATER_ITEM = "E0103", "The item belongs to the language, but not to this version of it.";
    CLAUSE_OUTSIDE = "E0104", "A clause is outside a clause list.";
    EXPECTED_PATTERN = "E0105", "A pattern was expected: the name of a function, a glob, a file or a set.";
    MISSING_COMMA = "E0106", "Two patterns or values have no `,` between them.";
    MISSING_SEMICOLON = "E0107", "Two clauses, settings or actions have no `;` between them.";
    UNTERMINATED_STRING = "E0108", "A string does not end on its line.";
    BAD_ESCAPE = "E0109", "A string holds an escape that does not exist.";
    MISSING_CLOSER = "E0110", "A bracket is never closed.";
    MISMATCHED_CLOSER = "E0111", "A bracket is closed by one of another kind.";
    STRAY_CLOSER = "E0112", "A closing bracket closes nothing.";
    EMPTY_CLAUSE = "E0113", "A clause list, a `config`, a hook or a clause is empty.";
    UNEXPECTED = "E0114", "A character or word is not allowed here.";
    BAD_LITERAL = "E0115", "A number, duration, size or percentage is not written as one.";
    OUT_OF_RANGE = "E0116", "A number, duration, size or percentage is too large or too fine.";
    NEEDS_QUOTES = "E0117", "A name or path has to be quoted.";
    EXPECTED_VALUE = "E0118", "A clause, setting or param lacks its value.";
    TOO_MANY_VALUES = "E0119", "A clause or setting was given more than it takes.";
    TOO_DEEP = "E0120", "Brackets are nested too deeply.";
    MALFORMED_ITEM = "E0121", "A `target`, `set`, `param`, `config` or hook is not written as one.";
    EXPECTED_CLAUSE = "E0122", "A clause, a setting or an action was expected.";
    EXPECTED_EXPRESSION = "E0123", "An expression was expected: a name, a value, or what a condition compares.";
    EXPECTED_OPERATOR = "E0124", "An operator was expected, or is none of the language.";
    CALL = "E0125", "A function or method is called in an expression.";
}
