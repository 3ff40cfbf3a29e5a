//! Generated functions as plain data: their instructions, and what they were made from.

use std::{collections::BTreeMap, fmt::Write as _};

use grammar::ast::Span;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    STEPS_OF_CAPTURE, STEPS_OF_SEARCH,
    instruction::{Helper, Instruction},
};
use crate::ir::capture::Item;

/// A generated function, and those that it calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code {
    /// Its instructions; 64-bit constants take two.
    pub instructions: Vec<Instruction>,
    /// Where among them each further function begins, which the first one calls: with the arguments that it has been given.
    pub functions: Vec<usize>,
    /// Bytes of stack that each of them uses at most.
    pub stack: usize,
    /// Searches for a substring in all of them; see [`Limits::searches`](super::Limits::searches).
    pub searches: usize,
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
    pub(super) fn condition(functions: &[u32], condition: &crate::ir::Condition) -> Self {
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
    /// Steps that the verifier takes for it, at most.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.instructions.len() * STEPS_OF_CAPTURE + self.searches * STEPS_OF_SEARCH
    }

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

    /// Puts functions behind this one, which calls them by their index.
    pub(super) fn with_functions(mut self, functions: Vec<Self>) -> Self {
        let mut end = self.instructions.len();
        for function in &functions {
            self.functions.push(end);
            end += function.instructions.len();
        }
        for (at, instruction) in self.instructions.iter_mut().enumerate() {
            if instruction.is_function_call() {
                let number = usize::try_from(instruction.immediate).ok();
                let target = number.and_then(|number| self.functions.get(number));
                let target = target.copied().unwrap_or_default();
                // Both are far below i32::MAX.
                instruction.immediate = (target as i64 - at as i64 - 1) as i32;
            }
        }
        for function in functions {
            self.instructions.extend(function.instructions);
            self.stack = self.stack.max(function.stack);
            self.searches += function.searches;
            self.arms.extend(function.arms);
        }
        self
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
