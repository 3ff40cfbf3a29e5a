//! What has to be so for a value that an expression names to be there: pointers on the way that are not nil, indices, asserted types.

use grammar::ast::Span;

use crate::{
    expression::{Location, Typed, not_zero},
    ir::{Condition, Word, WordKind},
    shape::Absent,
};

/// Steps that are told apart in one expression.
const MAX_STEPS: usize = 4;

/// Words that are 0 where the value is not there, in the order of the way to it, and what that means.
pub(super) fn steps(value: &Typed) -> Vec<(Word, Absent)> {
    let mut steps = Vec::new();
    // What is not of the asserted type is not what the words behind it are read as. Where a pointer before the interface is nil, this cannot
    // be read, and tells nothing.
    if let Some(guard) = &value.guard {
        steps.push((truth(guard.clone(), &guard.span), Absent::OtherType));
    }
    match &value.at {
        Location::Memory { pointer, .. } => through(pointer, &mut steps),
        Location::Word(word) => behind(word, &mut steps),
        Location::Pieces { .. } | Location::Text(_) => {}
    }
    steps.truncate(MAX_STEPS);
    steps
}

/// An address, and those on the way to it.
fn through(pointer: &Word, steps: &mut Vec<(Word, Absent)>) {
    match &pointer.kind {
        // Something far behind an address, which is not nil.
        WordKind::Checked { condition, value } if **condition == not_zero((**value).clone()) => {
            through(value, steps);
        }
        // An element. A nil slice has none at all.
        WordKind::Checked { condition, value } => {
            let first = match &value.kind {
                WordKind::Binary { left, .. } => left,
                _ => value,
            };
            let holds = truth((**condition).clone(), &pointer.span);
            if matches!(first.kind, WordKind::Checked { .. }) {
                // An element of an array that is in an element.
                through(first, steps);
                steps.push((holds, Absent::PastTheEnd));
            } else {
                behind(first, steps);
                steps.push((holds, Absent::PastTheEnd));
                steps.push(((**first).clone(), Absent::BehindNil));
            }
        }
        WordKind::Load { .. } | WordKind::Register(..) => {
            behind(pointer, steps);
            steps.push((pointer.clone(), Absent::BehindNil));
        }
        _ => {}
    }
}

/// The addresses on the way to a word.
fn behind(word: &Word, steps: &mut Vec<(Word, Absent)>) {
    match &word.kind {
        WordKind::Load { pointer, .. } => through(pointer, steps),
        WordKind::Extend { value, .. } => behind(value, steps),
        _ => {}
    }
}

fn truth(condition: Condition, span: &Span) -> Word {
    Word::new(WordKind::Truth(condition.into()), span.clone())
}
