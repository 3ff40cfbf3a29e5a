//! What is asked for at several places of a program and is the same all the same: expressions without their places.

use crate::ir::{Condition, ConditionKind, Text, Word, WordKind, capture::Item};

/// Whether both are the same but for where they were written.
pub(crate) fn same(one: &Item, other: &Item) -> bool {
    unplaced(one) == unplaced(other)
}

fn unplaced(item: &Item) -> Item {
    let mut item = item.clone();
    match &mut item {
        Item::Word(inner) => word(inner),
        Item::Bytes { text, span, .. } => {
            *span = 0..0;
            words(text);
        }
        Item::Kept { span, .. } => *span = 0..0,
    }
    item
}

fn words(text: &mut Text) {
    word(&mut text.pointer);
    word(&mut text.length);
}

fn word(inner: &mut Word) {
    inner.span = 0..0;
    match &mut inner.kind {
        WordKind::Constant(_) | WordKind::Register(..) | WordKind::Input(_) => {}
        WordKind::Load { pointer: inner, .. }
        | WordKind::Extend { value: inner, .. }
        | WordKind::Negate(inner) => word(inner),
        WordKind::Binary { left, right, .. } => {
            word(left);
            word(right);
        }
        WordKind::Checked {
            condition: inner,
            value,
        } => {
            condition(inner);
            word(value);
        }
        WordKind::Choice {
            condition: inner,
            then,
            otherwise,
        } => {
            condition(inner);
            word(then);
            word(otherwise);
        }
        WordKind::Truth(inner) => condition(inner),
    }
}

fn condition(inner: &mut Condition) {
    inner.span = 0..0;
    match &mut inner.kind {
        ConditionKind::Constant(_) => {}
        ConditionKind::Compare { left, right, .. }
        | ConditionKind::CompareFloats { left, right, .. } => {
            word(left);
            word(right);
        }
        ConditionKind::Not(inner) => condition(inner),
        ConditionKind::And(left, right) | ConditionKind::Or(left, right) => {
            condition(left);
            condition(right);
        }
        ConditionKind::Matches { text, .. } => words(text),
        ConditionKind::Equal { left, right } => {
            words(left);
            words(right);
        }
    }
}
