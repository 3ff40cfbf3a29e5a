//! A function's instructions, and what they tell of its entry and its exits.

use std::cell::OnceCell;

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction as Decoded, InstructionInfoFactory,
    Mnemonic, OpAccess, OpKind, Register,
};

use crate::Executable;
use crate::code::emulation;
use crate::code::site::{ExitKind, ExitSite, Instruction, Sites, Unprobeable};
use crate::tables::function::Function;

/// Functions larger than this are not disassembled, in bytes. The largest that Go's compiler makes are some hundred KiB.
const MAX_SIZE: u64 = 16 << 20;

/// A function's instructions.
pub(crate) struct Body<'a> {
    pub executable: &'a Executable,
    pub function: Function<'a>,
    code: &'a [u8],
    pub instructions: Vec<Decoded>,
    pub assembly: bool,
    own_address: OnceCell<bool>,
}

impl<'a> Body<'a> {
    pub fn decode(
        executable: &'a Executable,
        function: &Function<'_>,
    ) -> Result<Self, Unprobeable> {
        let function = executable
            .function(function.index)
            .ok_or(Unprobeable::Empty)?;
        if function.size() > MAX_SIZE {
            return Err(Unprobeable::TooLarge);
        }
        let code = function.code();
        let mut decoder = Decoder::with_ip(64, code, function.entry, DecoderOptions::NONE);
        let mut instructions = Vec::with_capacity(code.len() / 4);
        let padding = code
            .iter()
            .rposition(|&byte| byte != 0xcc)
            .map_or(0, |last| last + 1);
        while decoder.position() < padding {
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                return Err(Unprobeable::Undecodable {
                    address: instruction.ip(),
                });
            }
            instructions.push(instruction);
        }
        if instructions.is_empty() {
            return Err(Unprobeable::Empty);
        }
        let assembly = function.is_assembly();
        Ok(Self {
            executable,
            function,
            code,
            instructions,
            assembly,
            own_address: OnceCell::new(),
        })
    }

    pub fn bytes(&self, instruction: &Decoded) -> &'a [u8] {
        usize::try_from(instruction.ip() - self.function.entry)
            .ok()
            .and_then(|at| self.code.get(at..)?.get(..instruction.len()))
            .unwrap_or_default()
    }

    /// What stands at a site.
    pub fn site(&self, decoded: &Decoded) -> Result<Instruction, Unprobeable> {
        let found = self.bytes(decoded);
        if let Some(what) = emulation::refusal(found) {
            return Err(Unprobeable::RefusedByKernel {
                address: decoded.ip(),
                what,
            });
        }
        let mut bytes = [0; 16];
        let mut len = 0;
        for (to, from) in bytes.iter_mut().zip(found) {
            *to = *from;
            len += 1;
        }
        Ok(Instruction {
            bytes,
            len,
            emulated: emulation::is_emulated(decoded, found),
        })
    }

    pub fn contains(&self, address: u64) -> bool {
        (self.function.entry..self.function.end).contains(&address)
    }

    pub fn sites(&self) -> Result<Sites, Unprobeable> {
        let check = self.check();
        let mut ways_out = Vec::new();
        for (index, instruction) in self.instructions.iter().enumerate() {
            let address = instruction.ip();
            match instruction.flow_control() {
                FlowControl::Return if instruction.code() == Code::Retnq => {
                    ways_out.push((instruction, ExitKind::Ret))
                }
                FlowControl::Return => return Err(Unprobeable::UnusualExit { address }),
                FlowControl::UnconditionalBranch => {
                    let target = instruction.near_branch_target();
                    if self.contains(target) {
                        self.boundary(target)?;
                    } else {
                        ways_out.push((
                            instruction,
                            ExitKind::TailJump {
                                target: Some(target),
                            },
                        ));
                    }
                }
                FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => {
                    let target = instruction.near_branch_target();
                    if !self.contains(target) {
                        return Err(Unprobeable::ConditionalExit { address });
                    }
                    self.boundary(target)?;
                }
                FlowControl::IndirectBranch if self.leads_out(index, instruction)? => {
                    ways_out.push((instruction, ExitKind::TailJump { target: None }));
                }
                _ => {}
            }
        }
        self.ends()?;
        let entry = self.entry(check)?;
        let writes_r14 = self.writes_r14();
        let depths: Vec<_> = self.function.runs(self.function.record.pcsp).collect();
        let mut exits = Vec::with_capacity(ways_out.len());
        for (decoded, kind) in &ways_out {
            let address = decoded.ip();
            let offset = address - self.function.entry;
            let depth = depths
                .get(depths.partition_point(|run| run.end <= offset))
                .map(|run| run.value);
            if depth != Some(0) {
                return Err(Unprobeable::ExitStack { address });
            }
            let instruction = self.site(decoded)?;
            exits.push(ExitSite {
                address,
                kind: *kind,
                instruction,
                g_from_tls: self.assembly || writes_r14,
            });
        }
        Ok(Sites {
            entry,
            exits,
            never_returns: ways_out.is_empty(),
            writes_r14,
        })
    }

    /// Branches must lead to instructions as they were disassembled, or the disassembly is wrong.
    fn boundary(&self, target: u64) -> Result<(), Unprobeable> {
        match self.instructions.binary_search_by_key(&target, Decoded::ip) {
            Ok(_) => Ok(()),
            Err(_) => Err(Unprobeable::Undecodable { address: target }),
        }
    }

    /// The last instruction must not run on into the next function. One that calls a function that never returns may be last.
    fn ends(&self) -> Result<(), Unprobeable> {
        let last = self
            .instructions
            .iter()
            .rev()
            .find(|i| !matches!(i.mnemonic(), Mnemonic::Nop | Mnemonic::Int3));
        match last.map(Decoded::flow_control) {
            Some(
                FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend,
            ) => Err(Unprobeable::FallsThrough),
            _ => Ok(()),
        }
    }

    /// Does a computed jump leave the function? A `switch` indexes a table of addresses in the function, whose address is loaded just
    /// before; a method wrapper jumps to what a register or a word of memory holds, with no frame left.
    fn leads_out(&self, index: usize, jump: &Decoded) -> Result<bool, Unprobeable> {
        let unknown = Unprobeable::UnknownJump { address: jump.ip() };
        if jump.op0_kind() == OpKind::Memory && jump.memory_index() != Register::None {
            let before = self.instructions.get(..index).unwrap_or_default();
            let table = before.iter().rev().take(16).find(|i| {
                i.mnemonic() == Mnemonic::Lea
                    && i.is_ip_rel_memory_operand()
                    && i.op0_register() == jump.memory_base()
            });
            let table = table.map(Decoded::ip_rel_memory_address).ok_or(unknown)?;
            let first = self.executable.image.pointer(table).ok_or(unknown)?;
            return if self.contains(first) && self.boundary(first).is_ok() {
                Ok(false)
            } else {
                Err(unknown)
            };
        }
        if self.takes_own_address() {
            Err(unknown)
        } else {
            Ok(true)
        }
    }

    /// Is an address in the function's own code loaded? Then it is unclear where a jump through a register leads.
    pub fn takes_own_address(&self) -> bool {
        let own = |i: &Decoded| {
            i.mnemonic() == Mnemonic::Lea
                && i.is_ip_rel_memory_operand()
                && self.contains(i.ip_rel_memory_address())
        };
        *self
            .own_address
            .get_or_init(|| self.instructions.iter().any(own))
    }

    /// Is R14 written, other than by loading g into it? Position-independent code loads the offset of g into it first.
    fn writes_r14(&self) -> bool {
        let mut factory = InstructionInfoFactory::new();
        let mut writes = |instruction: &Decoded| {
            // No instruction writes it that does not name it.
            let names = |operand| instruction.op_register(operand).full_register() == Register::R14;
            if !(0..instruction.op_count()).any(names) {
                return false;
            }
            factory
                .info(instruction)
                .used_registers()
                .iter()
                .any(|used| {
                    let reads = matches!(
                        used.access(),
                        OpAccess::None
                            | OpAccess::Read
                            | OpAccess::CondRead
                            | OpAccess::NoMemAccess
                    );
                    used.register().full_register() == Register::R14 && !reads
                })
        };
        let next = self.instructions.iter().skip(1).map(Some).chain([None]);
        self.instructions
            .iter()
            .zip(next)
            .any(|(instruction, next)| {
                let offset_of_g = next
                    .is_some_and(|next| is_load_of_g(next) && next.memory_base() == Register::R14);
                !is_load_of_g(instruction) && !offset_of_g && writes(instruction)
            })
    }
}

/// `mov %fs:…,%r14`, also with the offset in a register.
pub(crate) fn is_load_of_g(instruction: &Decoded) -> bool {
    instruction.mnemonic() == Mnemonic::Mov
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register() == Register::R14
        && instruction.op1_kind() == OpKind::Memory
        && instruction.memory_segment() == Register::FS
}
