//! From text to tree: runs the grammar and keeps what the reading of items and clauses shares.

use pest::{Parser as _, iterators::Pair};

use crate::{
    ast::{Program, Span, Spanned},
    error::{SyntaxError, code},
};

/// What a text says, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Parsed {
    /// All items that could be read. Where `errors` is not empty, clauses and items may be missing, and a trace may have no patterns.
    pub program: Program,
    /// Every mistake, in source order.
    pub errors: Vec<SyntaxError>,
}

/// Brackets may be nested so deeply. The grammar recurses once for each level.
const MAX_NESTING: usize = 32;

/// Reads a program text. Never fails: mistakes are in [`Parsed::errors`].
pub fn parse(source: &str) -> Parsed {
    let mut reader = Reader::new(source);
    let mut program = Program::default();
    if let Err(error) = check_nesting(source) {
        reader.errors.push(error);
    } else {
        match Gfg::parse(Rule::program, source) {
            Ok(pairs) => program.items = reader.items(pairs),
            // The grammar accepts every text; should it not, say where it stopped.
            Err(error) => {
                let at = match error.location {
                    pest::error::InputLocation::Pos(at) => at,
                    pest::error::InputLocation::Span((start, _)) => start,
                };
                reader.errors.push(
                    SyntaxError::new(code::EXPECTED_ITEM, at..at, "this is not a program")
                        .label("cannot be read from here on"),
                );
            }
        }
    }
    let mut errors = reader.errors;
    errors.sort_by_key(|error| (error.span.start, error.span.end));
    Parsed { program, errors }
}

/// The generated parser, in a module of its own because its rules carry no documentation that could be shown.
mod generated {
    #![allow(missing_docs)]
    #[derive(pest_derive::Parser)]
    #[grammar = "gfg.pest"]
    pub(crate) struct Gfg;
}
pub(crate) use generated::{Gfg, Rule};

/// What has been found while a tree is built.
pub(crate) struct Reader<'i> {
    pub(crate) source: &'i str,
    pub(crate) errors: Vec<SyntaxError>,
}

impl<'i> Reader<'i> {
    pub(crate) fn new(source: &'i str) -> Self {
        Self {
            source,
            errors: Vec::new(),
        }
    }

    pub(crate) fn report(&mut self, error: SyntaxError) {
        self.errors.push(error);
    }

    /// The value, or nothing and a reported mistake.
    pub(crate) fn accept<T>(&mut self, result: Result<T, SyntaxError>) -> Option<T> {
        result.map_err(|error| self.report(error)).ok()
    }
}

pub(crate) fn span(pair: &Pair<'_, Rule>) -> Span {
    pair.as_span().start()..pair.as_span().end()
}

pub(crate) fn spanned(pair: &Pair<'_, Rule>) -> Spanned<String> {
    Spanned {
        node: pair.as_str().to_owned(),
        span: span(pair),
    }
}

/// Whether `text` as a whole is what `rule`, one of the grammar's `only_…`, says.
pub(crate) fn matches(rule: Rule, text: &str) -> bool {
    check_nesting(text).is_ok() && Gfg::parse(rule, text).is_ok()
}

pub(crate) fn check_nesting(source: &str) -> Result<(), SyntaxError> {
    let mut depth = 0usize;
    for pair in Gfg::parse(Rule::nesting, source).into_iter().flatten() {
        match pair.as_rule() {
            Rule::deeper => depth += 1,
            Rule::shallower => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err(SyntaxError::new(
                code::TOO_DEEP,
                span(&pair),
                format!("brackets are nested more than {MAX_NESTING} deep"),
            )
            .label("one level too many"));
        }
    }
    Ok(())
}
