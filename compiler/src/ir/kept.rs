//! What is kept from a target's entry until it returns, shared by everything that is decided or captured then.
//!
//! Words come first, since they are named by their number ([`Input::Kept`]); then come runs of bytes. Where these lie is known when all
//! words are, so that who captures at return has its items completed at the end ([`Kept::finish`]).

use grammar::ast::Span;

use crate::ir::{
    Condition, ConditionKind, Input, MAX_KEPT, Moment, Node, Operator, Relation, Text, Word,
    WordKind,
    capture::{Item, Layout},
    unplaced::same,
};

/// What is kept of the calls of one function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    words: Vec<Item>,
    bytes: Vec<Item>,
}

/// More than [`MAX_KEPT`] words would have to be kept from entry to return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooManyKept {
    /// The first that there is no room for.
    pub span: Span,
}

/// When something can be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    At(Moment),
    /// It needs both moments.
    Never,
}

impl When {
    /// When a condition can be evaluated.
    pub(crate) fn of(condition: &Condition) -> Self {
        let mut when = Self::Always;
        condition.visit(&mut |node| when = when.and(of(&node)));
        when
    }

    /// When a word can be.
    pub(crate) fn of_word(word: &Word) -> Self {
        let mut when = Self::Always;
        word.visit(&mut |node| when = when.and(of(&node)));
        when
    }

    /// When both can be.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, other) | (other, Self::Always) => other,
            (one, other) if one == other => one,
            _ => Self::Never,
        }
    }
}

impl Kept {
    /// A condition as it is decided at return.
    ///
    /// # Errors
    /// [`TooManyKept`]
    pub fn condition(&mut self, condition: Condition) -> Result<Condition, TooManyKept> {
        let span = condition.span.clone();
        if When::of(&condition) == When::At(Moment::Entry) {
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

    /// Where bytes are, as it is known at return; they are read then.
    ///
    /// # Errors
    /// [`TooManyKept`]
    pub fn text(&mut self, text: Text) -> Result<Text, TooManyKept> {
        Ok(Text {
            pointer: self.word(*text.pointer)?.into(),
            length: self.word(*text.length)?.into(),
        })
    }

    /// A word as it is had at return.
    ///
    /// # Errors
    /// [`TooManyKept`]
    pub fn word(&mut self, word: Word) -> Result<Word, TooManyKept> {
        if When::of_word(&word) == When::At(Moment::Entry) {
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

    /// Memory as it is captured at return: what is known at entry is read then. [`Self::finish`] completes the item.
    ///
    /// # Errors
    /// [`TooManyKept`]
    pub fn bytes(&mut self, text: Text, most: u16, span: Span) -> Result<Item, TooManyKept> {
        if When::of_word(&text.pointer).and(When::of_word(&text.length)) != When::At(Moment::Entry)
        {
            let text = self.text(text)?;
            return Ok(Item::Bytes { text, most, span });
        }
        let number = self.place(text, most, &span);
        Ok(Item::Kept {
            bit: u8::try_from(number).unwrap_or(u8::MAX),
            offset: 0,
            most,
            span,
        })
    }

    /// The number of a run of bytes. Of the same text more is another run: reading more may fail where reading less does not.
    fn place(&mut self, text: Text, most: u16, span: &Span) -> usize {
        let span = span.clone();
        let wanted = Item::Bytes { text, most, span };
        let known = self.bytes.iter().position(|kept| same(kept, &wanted));
        known.unwrap_or_else(|| {
            self.bytes.push(wanted);
            self.bytes.len() - 1
        })
    }

    /// What is to be kept at entry, in the order of its [`Layout`]. `captured` is all that [`Self::bytes`] has given.
    pub fn finish<'i>(self, captured: impl IntoIterator<Item = &'i mut Item>) -> Vec<Item> {
        let words = self.words.len();
        let mut items = self.words;
        items.extend(self.bytes);
        let layout = Layout::new(&items);
        for item in captured {
            if let Item::Kept { bit, offset, .. } = item {
                let number = words + usize::from(*bit);
                let place = layout.offsets.get(number).copied().unwrap_or_default();
                *bit = u8::try_from(number).unwrap_or(u8::MAX);
                *offset = u16::try_from(place).unwrap_or(u16::MAX);
            }
        }
        items
    }

    /// Keeps a word at entry; what stands for it at return.
    fn keep(&mut self, word: Word) -> Result<Word, TooManyKept> {
        let span = word.span.clone();
        let item = Item::Word(word);
        let number = match self.words.iter().position(|kept| same(kept, &item)) {
            Some(number) => number,
            None => {
                self.words.push(item);
                self.words.len() - 1
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

fn of(node: &Node<'_>) -> When {
    match node {
        Node::Word(WordKind::Register(_, moment)) => When::At(*moment),
        Node::Word(WordKind::Input(
            Input::Duration | Input::SelfTime | Input::KeptUnreadable | Input::Kept(_),
        )) => When::At(Moment::Return),
        _ => When::Always,
    }
}
