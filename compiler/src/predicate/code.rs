//! Generated functions as plain data: their instructions, and what they were made from.

use std::{collections::BTreeMap, fmt::Write as _};

use grammar::ast::Span;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    capture::Item,
    instruction::{Helper, Instruction},
};

/// A generated function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code {
    /// Its instructions; 64-bit constants take two.
    pub instructions: Vec<Instruction>,
    /// Bytes of stack that it uses.
    pub stack: usize,
    /// What it was made from.
    pub arms: Vec<ListedArm>,
}

/// What a generated function does at calls of some functions, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ListedArm {
    /// Functions as in cookies; all others where there is none.
    pub functions: Vec<u32>,
    /// The condition, or each item that is captured, in order.
    pub parts: Vec<ListedPart>,
}

/// A condition or an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedPart {
    /// The expression in the program text.
    pub span: Span,
    /// The intermediate representation.
    pub text: String,
}

impl ListedArm {
    pub(super) fn condition(functions: &[u32], condition: &super::ir::Condition) -> Self {
        Self {
            functions: functions.to_vec(),
            parts: vec![ListedPart {
                span: condition.span.clone(),
                text: condition.to_string(),
            }],
        }
    }

    pub(super) fn items(functions: &[u32], items: &[Item]) -> Self {
        let part = |item: &Item| ListedPart {
            span: item.span().clone(),
            text: item.to_string(),
        };
        Self {
            functions: functions.to_vec(),
            parts: items.iter().map(part).collect(),
        }
    }
}

impl Code {
    /// The same for a program that may sleep, and so brings pages in that are not in memory.
    #[must_use]
    pub fn sleepable(mut self) -> Self {
        for instruction in &mut self.instructions {
            if instruction.is_helper_call() {
                instruction.immediate = Helper::CopyFromUser as i32;
            }
        }
        self
    }

    /// Puts another function that captures behind this one, which is that of other functions: what this one has no arm for goes there. The
    /// arguments are still in their registers then, and what the first one ends with is two instructions that return 0.
    pub(super) fn append(&mut self, next: Self) {
        let end = self.instructions.len().saturating_sub(2);
        self.instructions.truncate(end);
        self.instructions.extend(next.instructions);
        self.stack = self.stack.max(next.stack);
        self.arms.extend(next.arms);
    }

    /// Instructions by the expression that they were made for, in the order of the program text.
    #[must_use]
    pub fn by_span(&self) -> Vec<(Span, usize)> {
        let mut counts = BTreeMap::<(usize, usize), usize>::new();
        for instruction in &self.instructions {
            let span = &instruction.span;
            *counts.entry((span.start, span.end)).or_default() += 1;
        }
        let spans = counts.into_iter();
        spans.map(|((start, end), n)| (start..end, n)).collect()
    }
}

/// The instructions as one hexadecimal string, since there may be thousands.
impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Part {
            span: Span,
            instructions: usize,
        }
        let bytes = self.instructions.iter().flat_map(Instruction::bytes);
        let hexadecimal = bytes.fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let by_span: Vec<Part> = self
            .by_span()
            .into_iter()
            .map(|(span, instructions)| Part { span, instructions })
            .collect();
        let mut code = serializer.serialize_struct("Code", 5)?;
        code.serialize_field("instructions", &self.instructions.len())?;
        code.serialize_field("stack", &self.stack)?;
        code.serialize_field("arms", &self.arms)?;
        code.serialize_field("by_span", &by_span)?;
        code.serialize_field("code", &hexadecimal)?;
        code.end()
    }
}
