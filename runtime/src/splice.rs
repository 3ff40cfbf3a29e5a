//! Generated code in the place of the probe program's stubs.
//!
//! It is done after linking, when each function of the program stands as one run of instructions: a stub is found by its mark, its
//! instructions are replaced, and whatever points over that place (calls, addresses of callbacks, the kernel's information on functions
//! and lines) is moved. So generated code can be of any length, and the kernel's verifier speaks of the user's own text.

use std::ops::Range;

use aya_obj::generated::{
    BPF_CALL, BPF_DW, BPF_IMM, BPF_JMP, BPF_LD, bpf_func_info, bpf_insn, bpf_line_info,
};
use compiler::{
    plan::TraceCode,
    predicate::{Code, Instruction},
};
use ebpf_templates::Stub;

/// A linked program.
pub(crate) struct Program {
    pub instructions: Vec<bpf_insn>,
    pub functions: Vec<bpf_func_info>,
    pub lines: Vec<bpf_line_info>,
    /// Where generated code is, and what it was made for.
    generated: Vec<(Range<usize>, Code)>,
}

/// Source of a call's target, or of an address (include/uapi/linux/bpf.h: `BPF_PSEUDO_CALL`, `BPF_PSEUDO_FUNC`).
const PSEUDO_CALL: u8 = 1;
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

impl Program {
    pub(crate) fn new(
        instructions: Vec<bpf_insn>,
        functions: Vec<bpf_func_info>,
        lines: Vec<bpf_line_info>,
    ) -> Self {
        Self {
            instructions,
            functions,
            lines,
            generated: Vec::new(),
        }
    }

    /// Puts code in the place of a stub; `line` tells of a span what it is in BTF. `None` where there is no such stub.
    pub(crate) fn splice(
        &mut self,
        stub: Stub,
        code: &Code,
        line: impl Fn(&Range<usize>) -> Option<Line>,
    ) -> Option<()> {
        let old = self.place(stub)?;
        let new = old.start..old.start + code.instructions.len();
        let moved = |index: usize| {
            if index >= old.end {
                index - old.end + new.end
            } else {
                index
            }
        };
        for (index, instruction) in self.instructions.iter_mut().enumerate() {
            if old.contains(&index) || !refers(instruction) {
                continue;
            }
            let target = (index as i64 + 1 + i64::from(instruction.imm)) as usize;
            instruction.imm = (moved(target) as i64 - moved(index) as i64 - 1) as i32;
        }
        let body = code.instructions.iter().map(raw);
        self.instructions.splice(old.clone(), body);
        for function in &mut self.functions {
            function.insn_off = moved(function.insn_off as usize) as u32;
        }
        self.name_functions(&new, code);
        self.lines.retain(|line| {
            let at = line.insn_off as usize;
            at == old.start || !old.contains(&at)
        });
        for line in &mut self.lines {
            line.insn_off = moved(line.insn_off as usize) as u32;
        }
        self.name_lines(&new, code, line);
        for (range, _) in &mut self.generated {
            *range = moved(range.start)..moved(range.start) + range.len();
        }
        self.generated.push((new, code.clone()));
        Some(())
    }

    /// The piece of the program text for which an instruction was generated.
    pub(crate) fn span(&self, index: usize) -> Option<Range<usize>> {
        let (range, code) = self
            .generated
            .iter()
            .find(|(range, _)| range.contains(&index))?;
        let instruction = code.instructions.get(index - range.start)?;
        Some(instruction.span.clone())
    }

    /// Where a stub's instructions are.
    fn place(&self, stub: Stub) -> Option<Range<usize>> {
        let at = self
            .instructions
            .iter()
            .position(|instruction| instruction.imm == stub.mark())?;
        let starts = self.functions.iter().map(|f| f.insn_off as usize);
        let start = starts.clone().filter(|start| *start <= at).max()?;
        let end = starts
            .filter(|start| *start > at)
            .min()
            .unwrap_or(self.instructions.len());
        Some(start..end)
    }

    /// Tells of the functions that a generated one calls what it is told of that one itself: they have the same type.
    fn name_functions(&mut self, place: &Range<usize>, code: &Code) {
        let start = place.start as u32;
        let first = self.functions.iter();
        let Some(first) = first.clone().position(|f| f.insn_off == start) else {
            return;
        };
        let Some(type_id) = self.functions.get(first).map(|f| f.type_id) else {
            return;
        };
        let others = code.functions.iter().map(|at| bpf_func_info {
            insn_off: start + *at as u32,
            type_id,
        });
        self.functions.splice(first + 1..first + 1, others);
    }

    /// Tells of generated instructions what they were made for.
    fn name_lines(
        &mut self,
        place: &Range<usize>,
        code: &Code,
        line: impl Fn(&Range<usize>) -> Option<Line>,
    ) {
        let Some(first) = self
            .lines
            .iter()
            .position(|line| line.insn_off as usize == place.start)
        else {
            return;
        };
        let Some(stub) = self.lines.get(first).copied() else {
            return;
        };
        let mut named: Vec<bpf_line_info> = Vec::new();
        let mut before: Option<&Range<usize>> = None;
        let mut functions = code.functions.iter().peekable();
        for (number, instruction) in code.instructions.iter().enumerate() {
            // The second half of a 64-bit constant is no place for a line.
            let second_half = number
                .checked_sub(1)
                .and_then(|before| code.instructions.get(before))
                .is_some_and(|before| u32::from(before.code) == BPF_LD | BPF_IMM | BPF_DW);
            let begins = number == 0 || functions.next_if_eq(&&number).is_some();
            if second_half || before == Some(&instruction.span) && !begins {
                continue;
            }
            if let Some(line) = line(&instruction.span) {
                before = Some(&instruction.span);
                named.push(bpf_line_info {
                    insn_off: (place.start + number) as u32,
                    file_name_off: line.file,
                    line_off: line.text,
                    line_col: line.line << COLUMN_BITS | line.column.min((1 << COLUMN_BITS) - 1),
                });
            } else if begins {
                // A function begins with a line.
                let insn_off = (place.start + number) as u32;
                named.push(bpf_line_info { insn_off, ..stub });
            }
        }
        self.lines.splice(first..first + 1, named);
    }
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
