//! `print`: from a text with expressions in it to what is captured of a call, and the pieces of the line that is made of it.
//!
//! What the call tree says anyway is taken from there. Everything else is captured, at entry what can be known then. What needs both moments
//! is captured at return, with what is kept from entry.

use grammar::ast::{Expression, Template, TemplatePart};

use super::line::{self, Piece};
use crate::{
    capture::Asked,
    diagnostics::diagnostic::Diagnostic,
    expression::{self, Location, Scope, Typed},
    ir::{Kept, Moment, TooManyKept, When},
};

/// A line, and what is to be captured for it.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    pub(crate) template: line::Template,
    pub(crate) arguments: Vec<Asked>,
    pub(crate) results: Vec<Asked>,
}

/// Lowers a template for the calls of one function. What it needs from the target's entry comes to `kept`.
///
/// # Errors
/// All that is wrong with its expressions.
pub(crate) fn lower(
    scope: Scope<'_, '_>,
    template: &Template,
    kept: &mut Kept,
) -> Result<Printed, Vec<Diagnostic>> {
    let mut printed = Printed::default();
    let mut diagnostics = Vec::new();
    for part in &template.parts {
        let piece = match part {
            TemplatePart::Text(text) => Ok(Piece::Text(text.clone())),
            TemplatePart::Expression(expression) => printed.piece(scope, expression, kept),
        };
        match piece {
            Ok(piece) => printed.template.pieces.push(piece),
            Err(found) => diagnostics.extend(found),
        }
    }
    if diagnostics.is_empty() {
        Ok(printed)
    } else {
        Err(diagnostics)
    }
}

impl Printed {
    fn piece(
        &mut self,
        scope: Scope<'_, '_>,
        expression: &Expression,
        kept: &mut Kept,
    ) -> Result<Piece, Vec<Diagnostic>> {
        let value = expression::shown(scope, expression)?;
        if let Some(piece) = built_in(scope, expression) {
            return Ok(piece);
        }
        let text = scope.source.get(expression.span.clone());
        let text = text.unwrap_or_default().to_owned();
        let Some(value) = value else {
            let constant = expression::constant(scope, expression);
            return Ok(Piece::Text(constant.unwrap_or(text)));
        };
        let moment = moment(&value);
        let value = match moment {
            When::Never => {
                at_return(value, kept).map_err(|error| vec![expression::too_many_kept(&error)])?
            }
            _ => value,
        };
        let asked = Asked {
            label: text.clone(),
            span: expression.span.clone(),
            value: Some(value),
            text,
        };
        match moment {
            When::Never | When::At(Moment::Return) => {
                self.results.push(asked);
                Ok(Piece::Result(self.results.len() - 1))
            }
            When::At(Moment::Entry) | When::Always => {
                self.arguments.push(asked);
                Ok(Piece::Argument(self.arguments.len() - 1))
            }
        }
    }
}

/// What stands for a name that is built in.
fn built_in(scope: Scope<'_, '_>, expression: &Expression) -> Option<Piece> {
    Some(match expression::built_in(&scope, expression)? {
        "dur" => Piece::Duration,
        "self" => Piece::SelfTime,
        "g" | "goid" => Piece::Goroutine,
        "pid" => Piece::Process,
        "tid" => Piece::Thread,
        "fn" => Piece::Function,
        "caller" => Piece::Caller,
        // That of a target.
        "depth" => Piece::Text("0".to_owned()),
        _ => return None,
    })
}

/// When a value is known.
fn moment(value: &Typed) -> When {
    let at = match &value.at {
        Location::Pieces { moment, .. } => When::At(*moment),
        Location::Memory { pointer, .. } => When::of_word(pointer),
        Location::Word(word) => When::of_word(word),
        Location::Text(text) => When::of_word(&text.pointer).and(When::of_word(&text.length)),
    };
    match &value.guard {
        Some(guard) => at.and(When::of(guard)),
        None => at,
    }
}

/// A value of both moments as it is had at return. One that lies in registers or on the stack is of one moment.
fn at_return(value: Typed, kept: &mut Kept) -> Result<Typed, TooManyKept> {
    let at = match value.at {
        Location::Word(word) => Location::Word(kept.word(*word)?.into()),
        Location::Memory { pointer, offset } => Location::Memory {
            pointer: kept.word(*pointer)?.into(),
            offset,
        },
        Location::Text(text) => Location::Text(kept.text(*text)?.into()),
        Location::Pieces { .. } => value.at,
    };
    let guard = value.guard.map(|guard| kept.condition(guard)).transpose()?;
    Ok(Typed { at, guard, ..value })
}
