//! Which part of a condition is decided when: what is about arguments at entry, before any other work; the rest at return.
//!
//! A condition of the form `a && b && …` splits between its parts. A part that needs both moments is decided at return; what it needs from
//! entry is kept until then. That all parts have to hold is the same whenever each is decided, so that a call is kept exactly where the
//! whole holds.

use crate::ir::{
    Condition, ConditionKind, Moment,
    kept::{Kept, TooManyKept, When},
};

/// A condition by moments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// What has to hold at entry.
    pub entry: Option<Condition>,
    /// What has to hold at return.
    pub exit: Option<Condition>,
}

impl Split {
    /// Splits a condition. What it needs at return from entry comes to `kept`.
    ///
    /// # Errors
    /// [`TooManyKept`]
    pub fn new(condition: Condition, kept: &mut Kept) -> Result<Self, TooManyKept> {
        let mut split = Self::default();
        split.add(condition, kept)?;
        Ok(split)
    }

    fn add(&mut self, condition: Condition, kept: &mut Kept) -> Result<(), TooManyKept> {
        let when = When::of(&condition);
        match (when, condition.kind) {
            (When::Never | When::At(Moment::Return), ConditionKind::And(left, right)) => {
                self.add(*left, kept)?;
                self.add(*right, kept)
            }
            (When::Never, kind) => {
                let part = kept.condition(Condition::new(kind, condition.span))?;
                join(&mut self.exit, part);
                Ok(())
            }
            (When::At(Moment::Return), kind) => {
                join(&mut self.exit, Condition::new(kind, condition.span));
                Ok(())
            }
            (_, kind) => {
                join(&mut self.entry, Condition::new(kind, condition.span));
                Ok(())
            }
        }
    }
}

fn join(whole: &mut Option<Condition>, part: Condition) {
    *whole = Some(match whole.take() {
        None => part,
        Some(before) => {
            let span = before.span.start.min(part.span.start)..before.span.end.max(part.span.end);
            Condition::new(ConditionKind::And(before.into(), part.into()), span)
        }
    });
}
