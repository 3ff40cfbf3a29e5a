//! The intermediate representation: words, which are 64 bits, and conditions over them.
//!
//! A word is a value in its register's width with whatever extension [`WordKind::Extend`] gave it; lowering extends after each operation
//! on a narrower type, so that arithmetic wraps as Go's does. Every node keeps the piece of the program text that it came from.
//!
//! # What cannot be read
//!
//! Memory of the traced process may be unreadable: a nil pointer, a page that is not there. So may a value that does not exist: a
//! quotient by zero, an element past the end. Where evaluation comes to such a place the verdict as a whole is
//! [`Undecided`](crate::codegen::Verdict::Undecided), whatever operators are around it: `!(p.x == 1)` is no more true than `p.x == 1` where `p` is
//! nil. `&&` and `||` evaluate from the left and stop as early as Go's do, so `p != nil && p.x == 1` is decided.

pub(crate) mod capture;
mod kept;
mod memory;
mod register;
mod show;
mod split;
pub(crate) mod text;
mod unplaced;

use grammar::ast::Span;
use serde::Serialize;

pub use capture::{Item, Layout, MAX_ITEMS};
pub(crate) use kept::When;
pub use kept::{Kept, TooManyKept};
pub use memory::{Memory, Unreadable};
pub use register::{REGISTERS, Register};
pub use split::Split;
pub use text::{Pattern, PatternTooLong, SEARCH_WINDOW};

/// A word and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Word {
    /// The expression in the program text.
    pub span: Span,
    /// What it is.
    pub kind: WordKind,
}

/// A condition and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Condition {
    /// The expression in the program text.
    pub span: Span,
    /// What it is.
    pub kind: ConditionKind,
}

/// The kinds of word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum WordKind {
    /// A number.
    Constant(u64),
    /// A register of the traced thread at a probe.
    Register(Register, Moment),
    /// A fact that the probe program hands over.
    Input(Input),
    /// Memory of the traced process at `pointer + offset`. Addition wraps.
    Load {
        /// An address as the process sees it.
        pointer: Box<Word>,
        /// Added to it.
        offset: i32,
        /// How many bytes are read.
        width: Width,
        /// How they are extended to a word.
        extension: Extension,
    },
    /// The lowest bytes of a word, extended again.
    Extend {
        /// Whose.
        value: Box<Word>,
        /// How many bytes.
        width: Width,
        /// How they are extended to a word.
        extension: Extension,
    },
    /// Two's complement.
    Negate(Box<Word>),
    /// Arithmetic modulo 2⁶⁴.
    Binary {
        /// What is done.
        operator: Operator,
        /// The left operand, evaluated first.
        left: Box<Word>,
        /// The right operand.
        right: Box<Word>,
    },
    /// `value` where `condition` holds; elsewhere there is no such value.
    Checked {
        /// Evaluated first.
        condition: Box<Condition>,
        /// The word itself.
        value: Box<Word>,
    },
    /// `then` where `condition` holds, `otherwise` elsewhere; the other one is not evaluated.
    Choice {
        /// Evaluated first.
        condition: Box<Condition>,
        /// Where it holds.
        then: Box<Word>,
        /// Where it does not.
        otherwise: Box<Word>,
    },
    /// 1 where it holds, 0 elsewhere.
    Truth(Box<Condition>),
}

/// The kinds of condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum ConditionKind {
    /// `true`, `false`
    Constant(bool),
    /// Two words compared.
    Compare {
        /// How.
        relation: Relation,
        /// As signed numbers. Means nothing for equality.
        signed: bool,
        /// The left operand, evaluated first.
        left: Box<Word>,
        /// The right operand.
        right: Box<Word>,
    },
    /// Two floating-point numbers compared as Go (IEEE 754) does. Each word holds the number's bits, those of a `float32` in its lower half.
    CompareFloats {
        /// How.
        relation: Relation,
        /// 4 or 8 bytes; what else it is makes no sense and is taken for 8.
        width: Width,
        /// The left operand, evaluated first.
        left: Box<Word>,
        /// The right operand.
        right: Box<Word>,
    },
    /// `!`
    Not(Box<Condition>),
    /// `&&`
    And(Box<Condition>, Box<Condition>),
    /// `||`
    Or(Box<Condition>, Box<Condition>),
    /// The bytes of a string or slice fit a pattern.
    Matches {
        /// Where they are.
        text: Text,
        /// What they have to be like.
        pattern: Pattern,
    },
    /// Two strings are equal. Of strings of one length longer than [`SEARCH_WINDOW`], that many bytes are
    /// compared; where these are equal, there is no verdict.
    Equal {
        /// One.
        left: Text,
        /// The other.
        right: Text,
    },
}

/// A run of bytes in the traced process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Text {
    /// Address of the first, evaluated first.
    pub pointer: Box<Word>,
    /// How many, as an unsigned number.
    pub length: Box<Word>,
}

/// When a register is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Moment {
    /// At the call's entry site: arguments.
    Entry,
    /// At its return: results.
    Return,
}

/// Facts about the call that the probe program knows. Each is a word in the struct that the generated function is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Input {
    /// The function, as in cookies.
    Function,
    /// `goid`
    Goroutine,
    /// `pid`, in the tracer's namespace.
    Process,
    /// `tid`, in the tracer's namespace.
    Thread,
    /// `depth`: levels below the graph's target.
    Depth,
    /// Return address of the call, as the process sees it.
    Caller,
    /// What the process's addresses of the executable have over the linker's.
    Bias,
    /// What [`Register::Rsp`] stands for.
    StackPointer,
    /// `dur` in nanoseconds, at return.
    Duration,
    /// `self` in nanoseconds: `dur` without the calls shown inside, at return.
    SelfTime,
    /// Which of the words kept at entry could not be read: a bit for each, as in [`Layout`].
    KeptUnreadable,
    /// The word that was kept at entry under this number, for what is decided at return.
    Kept(u8),
}

/// Words that can be kept from entry to return.
pub const MAX_KEPT: u8 = 8;

/// Words in the struct that the generated function is given. It ends with what was kept at entry, of which the first word is
/// [`Input::KeptUnreadable`].
pub const INPUTS: usize = Input::FACTS.len() - 1 + ebpf_templates::KEEP_MAX / 8;

impl Input {
    /// All but the kept words.
    pub const FACTS: [Self; 11] = [
        Self::Function,
        Self::Goroutine,
        Self::Process,
        Self::Thread,
        Self::Depth,
        Self::Caller,
        Self::Bias,
        Self::StackPointer,
        Self::Duration,
        Self::SelfTime,
        Self::KeptUnreadable,
    ];

    /// Its offset in the struct that the generated function is given: 64 bits each, in the order of this type.
    #[must_use]
    pub fn offset(self) -> i16 {
        let index = match self {
            Self::Function => 0,
            Self::Goroutine => 1,
            Self::Process => 2,
            Self::Thread => 3,
            Self::Depth => 4,
            Self::Caller => 5,
            Self::Bias => 6,
            Self::StackPointer => 7,
            Self::Duration => 8,
            Self::SelfTime => 9,
            Self::KeptUnreadable => 10,
            Self::Kept(number) => 11 + i16::from(number),
        };
        index * 8
    }
}

/// How many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Width {
    /// 1
    One,
    /// 2
    Two,
    /// 4
    Four,
    /// 8
    Eight,
}

impl Width {
    /// All, narrow ones first.
    pub const ALL: [Self; 4] = [Self::One, Self::Two, Self::Four, Self::Eight];

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// `word`'s lowest bytes, extended.
    #[must_use]
    pub const fn extend(self, word: u64, extension: Extension) -> u64 {
        match (self, extension) {
            (Self::One, Extension::Zero) => word as u8 as u64,
            (Self::One, Extension::Sign) => word as i8 as u64,
            (Self::Two, Extension::Zero) => word as u16 as u64,
            (Self::Two, Extension::Sign) => word as i16 as u64,
            (Self::Four, Extension::Zero) => word as u32 as u64,
            (Self::Four, Extension::Sign) => word as i32 as u64,
            (Self::Eight, _) => word,
        }
    }
}

/// How a narrow number becomes a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Extension {
    /// Unsigned.
    Zero,
    /// Signed.
    Sign,
}

/// Arithmetic on words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`, towards zero; no value where the divisor is 0. The least signed number divided by -1 is itself.
    Divide {
        /// As signed numbers.
        signed: bool,
    },
    /// `%`, with the sign of the dividend; no value where the divisor is 0.
    Remainder {
        /// As signed numbers.
        signed: bool,
    },
    /// `&`
    And,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Relation {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Relation {
    /// All.
    pub const ALL: [Self; 6] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
    ];

    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether it holds of a pair of which `ordering` is true.
    #[must_use]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// What holds exactly where it does not.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }
}

impl Word {
    /// A word.
    #[must_use]
    pub fn new(kind: WordKind, span: Span) -> Self {
        Self { span, kind }
    }

    /// A number.
    #[must_use]
    pub fn constant(value: u64, span: Span) -> Self {
        Self::new(WordKind::Constant(value), span)
    }
}

impl Condition {
    /// A condition.
    #[must_use]
    pub fn new(kind: ConditionKind, span: Span) -> Self {
        Self { span, kind }
    }
}

/// A node of an expression.
pub(crate) enum Node<'n> {
    Word(&'n WordKind),
    Condition(&'n ConditionKind),
}

impl Node<'_> {
    pub(crate) fn looks_at(&self, moment: Moment) -> bool {
        matches!(self, Self::Word(WordKind::Register(_, at)) if *at == moment)
    }

    pub(crate) fn uses(&self, input: Input) -> bool {
        matches!(self, Self::Word(WordKind::Input(used)) if *used == input)
    }
}

impl Word {
    /// Shows every node below, itself first.
    pub(crate) fn visit<'n>(&'n self, visit: &mut dyn FnMut(Node<'n>)) {
        visit(Node::Word(&self.kind));
        match &self.kind {
            WordKind::Constant(_) | WordKind::Register(..) | WordKind::Input(_) => {}
            WordKind::Load { pointer: word, .. }
            | WordKind::Extend { value: word, .. }
            | WordKind::Negate(word) => word.visit(visit),
            WordKind::Binary { left, right, .. } => {
                left.visit(visit);
                right.visit(visit);
            }
            WordKind::Checked { condition, value } => {
                condition.visit(visit);
                value.visit(visit);
            }
            WordKind::Choice {
                condition,
                then,
                otherwise,
            } => {
                condition.visit(visit);
                then.visit(visit);
                otherwise.visit(visit);
            }
            WordKind::Truth(condition) => condition.visit(visit),
        }
    }
}

impl Condition {
    /// Does it look at a register at this moment?
    #[must_use]
    pub fn looks_at(&self, moment: Moment) -> bool {
        let mut found = false;
        self.visit(&mut |node| found |= node.looks_at(moment));
        found
    }

    /// Does it look at this fact?
    #[must_use]
    pub fn uses(&self, input: Input) -> bool {
        let mut found = false;
        self.visit(&mut |node| found |= node.uses(input));
        found
    }

    /// Shows every node below, itself first.
    pub(crate) fn visit<'n>(&'n self, visit: &mut dyn FnMut(Node<'n>)) {
        visit(Node::Condition(&self.kind));
        match &self.kind {
            ConditionKind::Constant(_) => {}
            ConditionKind::Compare { left, right, .. }
            | ConditionKind::CompareFloats { left, right, .. } => {
                left.visit(visit);
                right.visit(visit);
            }
            ConditionKind::Not(condition) => condition.visit(visit),
            ConditionKind::And(left, right) | ConditionKind::Or(left, right) => {
                left.visit(visit);
                right.visit(visit);
            }
            ConditionKind::Matches { text, .. } => text.visit(visit),
            ConditionKind::Equal { left, right } => {
                left.visit(visit);
                right.visit(visit);
            }
        }
    }
}

impl Text {
    pub(crate) fn visit<'n>(&'n self, visit: &mut dyn FnMut(Node<'n>)) {
        self.pointer.visit(visit);
        self.length.visit(visit);
    }
}
