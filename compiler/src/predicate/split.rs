//! Which part of a condition is decided when: what is about arguments at entry, before any other work; the rest at return.
//!
//! A condition of the form `a && b && …` splits between its parts. A part that needs both moments is decided at return; what it needs from
//! entry is kept until then. That all parts have to hold is the same whenever each is decided, so that a call is kept exactly where the
//! whole holds.

use grammar::ast::Span;

use super::{
    capture::Item,
    ir::{
        Condition, ConditionKind, Input, MAX_KEPT, Moment, Node, Operator, Relation, Text, Word,
        WordKind,
    },
};

/// A condition by moments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// What has to hold at entry.
    pub entry: Option<Condition>,
    /// What has to hold at return.
    pub exit: Option<Condition>,
    /// What to keep at entry, as words, for [`Input::Kept`] at return.
    pub kept: Vec<Item>,
}

/// More than [`MAX_KEPT`] words would have to be kept from entry to return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooManyKept {
    /// The first that there is no room for.
    pub span: Span,
}

/// When something can be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    At(Moment),
    /// It needs both moments.
    Never,
}

impl When {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, other) | (other, Self::Always) => other,
            (one, other) if one == other => one,
            _ => Self::Never,
        }
    }
}

impl Split {
    /// Splits a condition.
    ///
    /// # Errors
    /// [`TooManyKept`]
    pub fn new(condition: Condition) -> Result<Self, TooManyKept> {
        let mut split = Self::default();
        split.add(condition)?;
        Ok(split)
    }

    fn add(&mut self, condition: Condition) -> Result<(), TooManyKept> {
        let when = when(&condition);
        match (when, condition.kind) {
            (When::Never | When::At(Moment::Return), ConditionKind::And(left, right)) => {
                self.add(*left)?;
                self.add(*right)
            }
            (When::Never, kind) => {
                let part = self.condition(Condition::new(kind, condition.span))?;
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

    /// A condition as it is decided at return.
    fn condition(&mut self, condition: Condition) -> Result<Condition, TooManyKept> {
        let span = condition.span.clone();
        if when(&condition) == When::At(Moment::Entry) {
            let truth = Word::new(WordKind::Truth(condition.into()), span.clone());
            let kind = ConditionKind::Compare {
                relation: Relation::NotEqual,
                signed: false,
                left: self.keep(truth)?.into(),
                right: Word::constant(0, span.clone()).into(),
            };
            return Ok(Condition::new(kind, span));
        }
        let kind = match condition.kind {
            ConditionKind::Constant(value) => ConditionKind::Constant(value),
            ConditionKind::Compare {
                relation,
                signed,
                left,
                right,
            } => ConditionKind::Compare {
                relation,
                signed,
                left: self.word(*left)?.into(),
                right: self.word(*right)?.into(),
            },
            ConditionKind::CompareFloats {
                relation,
                width,
                left,
                right,
            } => ConditionKind::CompareFloats {
                relation,
                width,
                left: self.word(*left)?.into(),
                right: self.word(*right)?.into(),
            },
            ConditionKind::Not(inner) => ConditionKind::Not(self.condition(*inner)?.into()),
            ConditionKind::And(left, right) => ConditionKind::And(
                self.condition(*left)?.into(),
                self.condition(*right)?.into(),
            ),
            ConditionKind::Or(left, right) => ConditionKind::Or(
                self.condition(*left)?.into(),
                self.condition(*right)?.into(),
            ),
            ConditionKind::Matches { text, pattern } => ConditionKind::Matches {
                text: self.text(text)?,
                pattern,
            },
            ConditionKind::Equal { left, right } => ConditionKind::Equal {
                left: self.text(left)?,
                right: self.text(right)?,
            },
        };
        Ok(Condition::new(kind, span))
    }

    fn text(&mut self, text: Text) -> Result<Text, TooManyKept> {
        Ok(Text {
            pointer: self.word(*text.pointer)?.into(),
            length: self.word(*text.length)?.into(),
        })
    }

    /// A word as it is had at return.
    fn word(&mut self, word: Word) -> Result<Word, TooManyKept> {
        if when_word(&word) == When::At(Moment::Entry) {
            return self.keep(word);
        }
        let kind = match word.kind {
            kind @ (WordKind::Constant(_) | WordKind::Register(..) | WordKind::Input(_)) => kind,
            WordKind::Load {
                pointer,
                offset,
                width,
                extension,
            } => WordKind::Load {
                pointer: self.word(*pointer)?.into(),
                offset,
                width,
                extension,
            },
            WordKind::Extend {
                value,
                width,
                extension,
            } => WordKind::Extend {
                value: self.word(*value)?.into(),
                width,
                extension,
            },
            WordKind::Negate(value) => WordKind::Negate(self.word(*value)?.into()),
            WordKind::Binary {
                operator,
                left,
                right,
            } => WordKind::Binary {
                operator,
                left: self.word(*left)?.into(),
                right: self.word(*right)?.into(),
            },
            WordKind::Checked { condition, value } => WordKind::Checked {
                condition: self.condition(*condition)?.into(),
                value: self.word(*value)?.into(),
            },
            WordKind::Choice {
                condition,
                then,
                otherwise,
            } => WordKind::Choice {
                condition: self.condition(*condition)?.into(),
                then: self.word(*then)?.into(),
                otherwise: self.word(*otherwise)?.into(),
            },
            WordKind::Truth(condition) => WordKind::Truth(self.condition(*condition)?.into()),
        };
        Ok(Word::new(kind, word.span))
    }

    /// Keeps a word at entry; what stands for it at return.
    fn keep(&mut self, word: Word) -> Result<Word, TooManyKept> {
        let span = word.span.clone();
        let item = Item::Word(word);
        let number = match self.kept.iter().position(|kept| *kept == item) {
            Some(number) => number,
            None => {
                self.kept.push(item);
                self.kept.len() - 1
            }
        };
        let number = match u8::try_from(number) {
            Ok(number) if number < MAX_KEPT => number,
            _ => return Err(TooManyKept { span }),
        };
        // The bit of the word in what could not be read.
        let bit = 1_u64 << number;
        let unreadable = WordKind::Binary {
            operator: Operator::And,
            left: Word::new(WordKind::Input(Input::KeptUnreadable), span.clone()).into(),
            right: Word::constant(bit, span.clone()).into(),
        };
        let readable = ConditionKind::Compare {
            relation: Relation::Equal,
            signed: false,
            left: Word::new(unreadable, span.clone()).into(),
            right: Word::constant(0, span.clone()).into(),
        };
        let value = WordKind::Input(Input::Kept(number));
        let kind = WordKind::Checked {
            condition: Condition::new(readable, span.clone()).into(),
            value: Word::new(value, span.clone()).into(),
        };
        Ok(Word::new(kind, span))
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

fn when(condition: &Condition) -> When {
    let mut when = When::Always;
    condition.visit(&mut |node| when = when.and(of(&node)));
    when
}

fn when_word(word: &Word) -> When {
    let mut when = When::Always;
    word.visit(&mut |node| when = when.and(of(&node)));
    when
}

fn of(node: &Node<'_>) -> When {
    match node {
        Node::Word(WordKind::Register(_, moment)) => When::At(*moment),
        Node::Word(WordKind::Input(
            Input::Duration | Input::SelfTime | Input::KeptUnreadable | Input::Kept(_),
        )) => When::At(Moment::Return),
        _ => When::Always,
    }
}
