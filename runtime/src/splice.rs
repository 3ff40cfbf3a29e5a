//! Generated code in the place of the probe program's stubs.
//!
//! It is done after linking, when each function of the program stands as one run of instructions. The program is taken apart into its
//! functions; a stub is found by its mark and replaced by generated code, with the functions that this calls; then everything is put
//! together again. So generated code can be of any length, and the kernel's verifier speaks of the user's own text.

use std::ops::Range;

use aya_obj::generated::{
    BPF_CALL, BPF_DW, BPF_IMM, BPF_JMP, BPF_LD, bpf_func_info, bpf_insn, bpf_line_info,
};
use compiler::{
    codegen::{Code, Instruction},
    plan::TraceCode,
};
use ebpf_templates::Stub;

/// A program as the kernel takes it.
pub(crate) struct Linked {
    pub instructions: Vec<bpf_insn>,
    pub functions: Vec<bpf_func_info>,
    pub lines: Vec<bpf_line_info>,
}

/// The functions of a linked program, itself first.
pub(crate) struct Functions(Vec<Function>);

struct Function {
    instructions: Vec<bpf_insn>,
    /// In BTF.
    type_id: u32,
    /// From its beginning on.
    lines: Vec<bpf_line_info>,
    /// Where in it another one is called, or its address is taken, and which.
    references: Vec<(usize, usize)>,
    /// What each instruction was generated for.
    spans: Option<Vec<Range<usize>>>,
}

/// Source of a call's target, or of an address (include/uapi/linux/bpf.h: `BPF_PSEUDO_CALL`, `BPF_PSEUDO_FUNC`).
pub(crate) const PSEUDO_CALL: u8 = 1;
const PSEUDO_FUNC: u8 = 4;

/// Bits of a line's column in `line_col` (`BPF_LINE_INFO_LINE_NUM` in include/uapi/linux/btf.h).
const COLUMN_BITS: u32 = 10;

/// A piece of the program text that instructions were made for, as the kernel is told.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    /// Where the text is in BTF.
    pub text: u32,
    /// Where the file's name is in BTF.
    pub file: u32,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl Functions {
    /// Takes a linked program apart. `types` and `lines` are in the order of the instructions.
    pub(crate) fn new(
        instructions: &[bpf_insn],
        types: &[bpf_func_info],
        lines: &[bpf_line_info],
    ) -> Self {
        let starts: Vec<usize> = types.iter().map(|f| f.insn_off as usize).collect();
        let ends = starts.iter().skip(1).copied().chain([instructions.len()]);
        let functions = types.iter().zip(ends).map(|(info, end)| {
            let start = info.insn_off as usize;
            let instructions = instructions.get(start..end).unwrap_or_default();
            let referring = instructions.iter().enumerate().filter(|(_, i)| refers(i));
            let references = referring.filter_map(|(at, instruction)| {
                let target = (start + at + 1) as i64 + i64::from(instruction.imm);
                Some((at, starts.binary_search(&(target as usize)).ok()?))
            });
            let within = |line: &&bpf_line_info| (start..end).contains(&(line.insn_off as usize));
            let lines = lines.iter().filter(within).map(|line| bpf_line_info {
                insn_off: line.insn_off - info.insn_off,
                ..*line
            });
            Function {
                type_id: info.type_id,
                lines: lines.collect(),
                references: references.collect(),
                spans: None,
                instructions: instructions.to_vec(),
            }
        });
        Self(functions.collect())
    }

    /// Puts code in the place of a stub; `line` tells of a span what it is in BTF. `None` where there is no such stub.
    pub(crate) fn splice(
        &mut self,
        stub: Stub,
        code: &Code,
        line: impl Fn(&Range<usize>) -> Option<Line>,
    ) -> Option<()> {
        let marked = |function: &Function| {
            let mut instructions = function.instructions.iter();
            function.spans.is_none() && instructions.any(|i| i.imm == stub.mark())
        };
        let place = self.0.iter().position(marked)?;
        let stub = self.0.get(place)?;
        // What is not due to any piece of the program text stands where the stub does.
        let (type_id, own_line) = (stub.type_id, stub.lines.first().copied());
        let starts = [0].into_iter().chain(code.functions.iter().copied());
        let starts: Vec<usize> = starts.collect();
        let ends = (starts.iter().skip(1).copied()).chain([code.instructions.len()]);
        let behind = self.0.len();
        // The first one is where the stub was, the others behind all that there are.
        let number = |index: usize| index.checked_sub(1).map_or(place, |n| behind + n);
        let mut made = Vec::with_capacity(starts.len());
        for (start, end) in starts.iter().copied().zip(ends) {
            let instructions = code.instructions.get(start..end)?;
            let calling = instructions.iter().enumerate();
            let calling = calling.filter(|(_, instruction)| instruction.is_function_call());
            let references = calling.filter_map(|(at, instruction)| {
                let target = (start + at + 1) as i64 + i64::from(instruction.immediate);
                let index = starts.binary_search(&(target as usize)).ok()?;
                Some((at, number(index)))
            });
            made.push(Function {
                type_id,
                lines: lines(instructions, own_line, &line),
                references: references.collect(),
                spans: Some(instructions.iter().map(|i| i.span.clone()).collect()),
                instructions: instructions.iter().map(raw).collect(),
            });
        }
        let mut made = made.into_iter();
        *self.0.get_mut(place)? = made.next()?;
        self.0.extend(made);
        Some(())
    }

    /// Puts the program together.
    pub(crate) fn link(&self) -> Linked {
        let mut linked = Linked {
            instructions: Vec::new(),
            functions: Vec::new(),
            lines: Vec::new(),
        };
        let mut starts = vec![0; self.0.len()];
        let mut at = 0;
        for (number, function) in self.in_order() {
            if let Some(start) = starts.get_mut(number) {
                *start = at;
            }
            at += function.instructions.len();
        }
        for (number, function) in self.in_order() {
            let start = starts.get(number).copied().unwrap_or_default();
            linked.functions.push(bpf_func_info {
                insn_off: start as u32,
                type_id: function.type_id,
            });
            let lines = function.lines.iter().map(|line| bpf_line_info {
                insn_off: line.insn_off + start as u32,
                ..*line
            });
            linked.lines.extend(lines);
            linked.instructions.extend(&function.instructions);
            for (at, target) in &function.references {
                let target = starts.get(*target).copied().unwrap_or_default();
                if let Some(instruction) = linked.instructions.get_mut(start + at) {
                    instruction.imm = (target as i64 - (start + at) as i64 - 1) as i32;
                }
            }
        }
        linked
    }

    /// The piece of the program text for which an instruction of the linked program was generated.
    pub(crate) fn span(&self, index: usize) -> Option<Range<usize>> {
        let mut left = index;
        for (_, function) in self.in_order() {
            let length = function.instructions.len();
            if left < length {
                return function.spans.as_ref()?.get(left).cloned();
            }
            left -= length;
        }
        None
    }

    /// The functions as they stand in the linked program. For each run of dead instructions that the verifier takes out it moves all that
    /// stand behind them (`verifier_remove_insns` in kernel/bpf/verifier.c), and generated code has none: so that is not behind the others.
    fn in_order(&self) -> impl Iterator<Item = (usize, &Function)> {
        let place = |number: usize, function: &Function| match (number, &function.spans) {
            (0, _) => 0,
            (_, Some(_)) => 1,
            (_, None) => 2,
        };
        let numbered = move |wanted: usize| {
            let functions = self.0.iter().enumerate();
            functions.filter(move |(number, function)| place(*number, function) == wanted)
        };
        (0..3).flat_map(numbered)
    }
}

/// Tells of generated instructions what they were made for. A function begins with a line.
fn lines(
    instructions: &[Instruction],
    otherwise: Option<bpf_line_info>,
    line: impl Fn(&Range<usize>) -> Option<Line>,
) -> Vec<bpf_line_info> {
    let mut lines: Vec<bpf_line_info> = Vec::new();
    let mut before: Option<&Instruction> = None;
    for (number, instruction) in instructions.iter().enumerate() {
        let previous = before.replace(instruction);
        // The second half of a 64-bit constant is no place for a line.
        let second_half =
            previous.is_some_and(|before| u32::from(before.code) == BPF_LD | BPF_IMM | BPF_DW);
        if second_half || previous.is_some_and(|before| before.span == instruction.span) {
            continue;
        }
        let insn_off = number as u32;
        if let Some(line) = line(&instruction.span) {
            lines.push(bpf_line_info {
                insn_off,
                file_name_off: line.file,
                line_off: line.text,
                line_col: line.line << COLUMN_BITS | line.column.min((1 << COLUMN_BITS) - 1),
            });
        } else if number == 0 {
            lines.extend(otherwise.map(|line| bpf_line_info { insn_off, ..line }));
        }
    }
    lines
}

/// The generated functions of a trace.
pub(crate) fn functions(code: &TraceCode) -> impl Iterator<Item = (Stub, &Code)> {
    [
        (Stub::WhereEntry, &code.where_entry),
        (Stub::Keep, &code.keep),
        (Stub::WhereReturn, &code.where_return),
        (Stub::Arguments, &code.arguments),
        (Stub::Results, &code.results),
        (Stub::Aggregate, &code.aggregate),
        (Stub::Until, &code.until),
    ]
    .into_iter()
    .filter_map(|(stub, code)| Some((stub, code.as_ref()?)))
}

/// Does the immediate operand say how far away another function is?
fn refers(instruction: &bpf_insn) -> bool {
    let code = u32::from(instruction.code);
    let calls = code == BPF_JMP | BPF_CALL && instruction.src_reg() == PSEUDO_CALL;
    let names = code == BPF_LD | BPF_IMM | BPF_DW && instruction.src_reg() == PSEUDO_FUNC;
    calls || names
}

fn raw(instruction: &Instruction) -> bpf_insn {
    let mut out = crate::sys::no_instruction();
    out.code = instruction.code;
    out.set_dst_reg(instruction.destination);
    out.set_src_reg(instruction.source);
    out.off = instruction.offset;
    out.imm = instruction.immediate;
    out
}
