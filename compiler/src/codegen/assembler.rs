//! Instructions with labels, and from there to code that the verifier takes: no jump to a jump, nothing that cannot be reached.

use grammar::ast::Span;

use super::instruction::{Alu, FRAME, Helper, Instruction, Jump, Operand, Operation};
use crate::ir::Width;

/// A place in the code that is named before it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

#[derive(Debug)]
struct Line {
    operation: Operation,
    target: Option<Label>,
    span: Span,
}

#[derive(Debug, Default)]
pub(super) struct Assembler {
    lines: Vec<Line>,
    /// Where each label stands: an index into `lines`.
    places: Vec<Option<usize>>,
    span: Span,
}

impl Assembler {
    /// What is emitted from now on is due to this piece of text; what was before is returned.
    pub(super) fn set_span(&mut self, span: &Span) -> Span {
        std::mem::replace(&mut self.span, span.clone())
    }

    pub(super) fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    pub(super) fn bind(&mut self, label: Label) {
        if let Some(place) = self.places.get_mut(label.0) {
            *place = Some(self.lines.len());
        }
    }

    fn push(&mut self, operation: Operation, target: Option<Label>) {
        self.lines.push(Line {
            operation,
            target,
            span: self.span.clone(),
        });
    }

    pub(super) fn alu(&mut self, operation: Alu, to: u8, operand: Operand) {
        self.push(Operation::Alu(operation, to, operand), None);
    }

    /// `to = from`
    pub(super) fn copy(&mut self, to: u8, from: u8) {
        if to != from {
            self.alu(Alu::Mov, to, Operand::Register(from));
        }
    }

    /// `to = value`
    pub(super) fn constant(&mut self, to: u8, value: u64) {
        match immediate(value) {
            Some(value) => self.alu(Alu::Mov, to, Operand::Immediate(value)),
            None => self.push(Operation::Load64(to, value), None),
        }
    }

    /// `to += value`
    pub(super) fn add(&mut self, to: u8, value: i32) {
        if value != 0 {
            self.alu(Alu::Add, to, Operand::Immediate(value));
        }
    }

    /// `to = the address of the frame's byte at offset`
    pub(super) fn frame_address(&mut self, to: u8, offset: i16) {
        self.copy(to, FRAME);
        self.add(to, i32::from(offset));
    }

    pub(super) fn load(&mut self, width: Width, to: u8, base: u8, offset: i16) {
        self.push(Operation::Load(width, to, base, offset), None);
    }

    pub(super) fn store(&mut self, width: Width, offset: i16, value: Operand) {
        self.push(Operation::Store(width, FRAME, offset, value), None);
    }

    /// `*(u64 *)(base + offset) = from`
    pub(super) fn store_at(&mut self, base: u8, offset: i16, from: u8) {
        let value = Operand::Register(from);
        self.push(Operation::Store(Width::Eight, base, offset, value), None);
    }

    pub(super) fn goto(&mut self, target: Label) {
        self.push(Operation::Goto, Some(target));
    }

    pub(super) fn branch(&mut self, jump: Jump, left: u8, right: Operand, target: Label) {
        self.push(Operation::Branch(jump, left, right), Some(target));
    }

    pub(super) fn call(&mut self, helper: Helper) {
        self.push(Operation::Helper(helper), None);
    }

    pub(super) fn call_function(&mut self, number: i32) {
        self.push(Operation::Function(number), None);
    }

    pub(super) fn exit(&mut self) {
        self.push(Operation::Exit, None);
    }

    /// The code, or the span of the first instruction for which `most` slots do not do, and how many would.
    pub(super) fn finish(mut self, most: usize) -> Result<Vec<Instruction>, (Span, usize)> {
        let targets: Vec<Option<usize>> = (self.lines.iter())
            .map(|line| line.target.map(|label| self.destination(label)))
            .collect();
        let kept = self.kept(&targets);
        // Slots before each line, and before the end.
        let mut slots = Vec::with_capacity(self.lines.len() + 1);
        let mut at = 0;
        for (line, kept) in self.lines.iter().zip(&kept) {
            slots.push(at);
            if *kept {
                at += line.operation.slots();
            }
        }
        slots.push(at);
        let most = most.min(i16::MAX as usize);
        if at > most {
            let first = slots.iter().position(|slot| *slot > most).unwrap_or(0);
            let before = self.lines.iter().take(first).rev();
            let mut spans = before.map(|line| &line.span).filter(|s| !s.is_empty());
            return Err((spans.next().cloned().unwrap_or_default(), at));
        }
        let mut code = Vec::with_capacity(at);
        for (index, line) in self.lines.drain(..).enumerate() {
            if !kept.get(index).copied().unwrap_or(false) {
                continue;
            }
            let target = targets.get(index).copied().flatten();
            let to = target.and_then(|line| slots.get(line)).copied();
            let from = slots.get(index).copied().unwrap_or(0) + line.operation.slots();
            // Both are at most i16::MAX.
            let offset = to.map_or(0, |to| (to as i64 - from as i64) as i16);
            line.operation.encode(offset, &line.span, &mut code);
        }
        Ok(code)
    }

    /// The line that a jump to `label` comes to in the end, jumps passed on the way left out.
    fn destination(&self, label: Label) -> usize {
        let place = |label: Label| self.places.get(label.0).copied().flatten();
        let mut line = place(label).unwrap_or(self.lines.len());
        for _ in 0..self.lines.len() {
            match self.lines.get(line) {
                Some(Line {
                    operation: Operation::Goto,
                    target: Some(next),
                    ..
                }) => line = place(*next).unwrap_or(self.lines.len()),
                _ => break,
            }
        }
        line
    }

    /// Which lines can be reached and do something.
    fn kept(&self, targets: &[Option<usize>]) -> Vec<bool> {
        let mut kept = vec![false; self.lines.len()];
        let mut open = vec![0];
        while let Some(index) = open.pop() {
            let (Some(line), Some(seen)) = (self.lines.get(index), kept.get_mut(index)) else {
                continue;
            };
            if std::mem::replace(seen, true) {
                continue;
            }
            if line.operation.falls_through() {
                open.push(index + 1);
            }
            open.extend(targets.get(index).copied().flatten());
        }
        // A jump over nothing but lines that are not kept.
        for index in (0..self.lines.len()).rev() {
            let jumps = self.lines.get(index).map(|line| line.operation);
            if let (Some(Operation::Goto), Some(Some(target))) = (jumps, targets.get(index))
                && *target > index
                && !kept
                    .get(index + 1..*target)
                    .unwrap_or(&[true])
                    .contains(&true)
                && let Some(kept) = kept.get_mut(index)
            {
                *kept = false;
            }
        }
        kept
    }
}

/// The number as an immediate operand, which is extended with its sign.
pub(super) fn immediate(value: u64) -> Option<i32> {
    i32::try_from(value.cast_signed()).ok()
}
