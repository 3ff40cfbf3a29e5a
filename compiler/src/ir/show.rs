//! The intermediate representation in one line, for `explain -v`.
//!
//! `i32(rcx) > 100 && [rax; rbx] =~ "SELECT*"`: the lower half of a register as a signed number, and the string at the address in `rax`
//! that is `rbx` bytes long. `*i32(p + 8)` is memory read as that type, `x if c` a word that exists where `c` holds.

use std::fmt;

use crate::ir::{
    Condition, ConditionKind, Extension, Input, Moment, Operator, Text, Width, Word, WordKind,
    capture::Item,
};

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self, Binding::Or)
    }
}

/// How tightly an operator binds.
#[derive(PartialEq, PartialOrd)]
enum Binding {
    Or,
    And,
    Not,
}

fn show(f: &mut fmt::Formatter<'_>, condition: &Condition, outer: Binding) -> fmt::Result {
    let (own, left, symbol, right) = match &condition.kind {
        ConditionKind::Constant(value) => return write!(f, "{value}"),
        ConditionKind::Compare {
            relation,
            signed,
            left,
            right,
        } => {
            write!(f, "{left} {} ", relation.symbol())?;
            return match right.kind {
                WordKind::Constant(value) if *signed => write!(f, "{}", value.cast_signed()),
                WordKind::Constant(value) => write!(f, "{value}"),
                _ => write!(f, "{right}"),
            };
        }
        ConditionKind::CompareFloats {
            relation,
            width,
            left,
            right,
        } => {
            float(f, *width, left)?;
            write!(f, " {} ", relation.symbol())?;
            return float(f, *width, right);
        }
        ConditionKind::Matches { text, pattern } => return write!(f, "{text} =~ {pattern}"),
        ConditionKind::Equal { left, right } => return write!(f, "{left} == {right}"),
        ConditionKind::Not(inner) => {
            f.write_str("!")?;
            return match inner.kind {
                ConditionKind::Constant(_) | ConditionKind::Not(_) => show(f, inner, Binding::Not),
                _ => {
                    f.write_str("(")?;
                    show(f, inner, Binding::Or)?;
                    f.write_str(")")
                }
            };
        }
        ConditionKind::And(left, right) => (Binding::And, left, "&&", right),
        ConditionKind::Or(left, right) => (Binding::Or, left, "||", right),
    };
    let open = own < outer;
    let inner = || match own {
        Binding::Or => Binding::Or,
        _ => Binding::And,
    };
    if open {
        f.write_str("(")?;
    }
    show(f, left, inner())?;
    write!(f, " {symbol} ")?;
    show(f, right, inner())?;
    if open {
        f.write_str(")")?;
    }
    Ok(())
}

fn float(f: &mut fmt::Formatter<'_>, width: Width, word: &Word) -> fmt::Result {
    match (&word.kind, width) {
        (WordKind::Constant(bits), Width::Four) => write!(f, "{:?}", f32::from_bits(*bits as u32)),
        (WordKind::Constant(bits), _) => write!(f, "{:?}", f64::from_bits(*bits)),
        (_, Width::Four) => write!(f, "f32({word})"),
        _ => write!(f, "f64({word})"),
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            WordKind::Constant(value) => write!(f, "{}", value.cast_signed()),
            WordKind::Register(register, Moment::Entry) => f.write_str(register.name()),
            WordKind::Register(register, Moment::Return) => write!(f, "ret.{}", register.name()),
            WordKind::Input(input) => write!(f, "{input}"),
            WordKind::Load {
                pointer,
                offset,
                width,
                extension,
            } => {
                write!(f, "*{}({pointer}", number(*width, *extension))?;
                match offset {
                    0 => {}
                    ..0 => write!(f, " - {}", offset.unsigned_abs())?,
                    _ => write!(f, " + {offset}")?,
                }
                f.write_str(")")
            }
            WordKind::Extend {
                value,
                width,
                extension,
            } => write!(f, "{}({value})", number(*width, *extension)),
            WordKind::Negate(value) => write!(f, "-({value})"),
            WordKind::Binary {
                operator,
                left,
                right,
            } => write!(f, "({left} {} {right})", symbol(*operator)),
            WordKind::Checked { condition, value } => write!(f, "({value} if {condition})"),
            WordKind::Choice {
                condition,
                then,
                otherwise,
            } => write!(f, "({then} if {condition} else {otherwise})"),
            WordKind::Truth(condition) => write!(f, "bool({condition})"),
        }
    }
}

/// `rcx` for a word, `[rax; rbx] to 64` for as much of a run of bytes, `kept[8] to 32` for one that was kept at entry.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "{word}"),
            Self::Bytes { text, most, .. } => write!(f, "{text} to {most}"),
            Self::Kept { offset, most, .. } => write!(f, "kept[{offset}] to {most}"),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}; {}]", self.pointer, self.length)
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Function => "fn",
            Self::Goroutine => "goid",
            Self::Process => "pid",
            Self::Thread => "tid",
            Self::Depth => "depth",
            Self::Caller => "caller",
            Self::Bias => "bias",
            Self::StackPointer => "rsp",
            Self::Duration => "dur",
            Self::SelfTime => "self",
            Self::KeptUnreadable => "unreadable",
            Self::Kept(number) => return write!(f, "kept{number}"),
        })
    }
}

fn number(width: Width, extension: Extension) -> String {
    let sign = if extension == Extension::Sign {
        'i'
    } else {
        'u'
    };
    format!("{sign}{}", 8 * width.bytes())
}

fn symbol(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide { signed: true } => "/",
        Operator::Divide { signed: false } => "/u",
        Operator::Remainder { signed: true } => "%",
        Operator::Remainder { signed: false } => "%u",
        Operator::And => "&",
    }
}
