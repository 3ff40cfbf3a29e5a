//! Exit edges of every function of whole programs, judged by a checker that shares nothing with what finds them: it follows all
//! paths with what is known of the stack pointer and of the exits passed.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use common::{Mode, for_each, toolchains};
use gobinary::{Executable, ExitEdge, ExitKind, Function, Sites, When};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register,
};

/// The `ret` whose edge was passed, and the bytes of stack in use.
type State = (Option<u64>, i64);

struct Checker<'a> {
    executable: &'a Executable,
    function: Function<'a>,
    edges: &'a [ExitEdge],
    code: BTreeMap<u64, Instruction>,
    info: InstructionInfoFactory,
    /// What can hold before an instruction, each with the registers that are surely not null.
    states: HashMap<u64, BTreeMap<State, u16>>,
    open: Vec<(u64, State)>,
}

impl<'a> Checker<'a> {
    fn new(executable: &'a Executable, function: Function<'a>, edges: &'a [ExitEdge]) -> Self {
        let code = function.code();
        let end = code.iter().rposition(|&b| b != 0xcc).map_or(0, |at| at + 1);
        let decoder = Decoder::with_ip(64, &code[..end], function.entry, DecoderOptions::NONE);
        Self {
            executable,
            function,
            edges,
            code: decoder.into_iter().map(|i| (i.ip(), i)).collect(),
            info: InstructionInfoFactory::new(),
            states: HashMap::new(),
            open: Vec::new(),
        }
    }

    fn add(&mut self, to: u64, state: State, sure: u16) -> Result<(), String> {
        let states = self.states.entry(to).or_default();
        match states.get_mut(&state) {
            Some(known) if *known & sure == *known => return Ok(()),
            Some(known) => *known &= sure,
            None => {
                states.insert(state, sure);
            }
        }
        if states.len() > 8 {
            return Err(format!("{to:#x}: states {states:?}"));
        }
        self.open.push((to, state));
        Ok(())
    }

    fn check(mut self, sites: &Sites) -> Result<(), String> {
        self.add(self.function.entry, (None, 0), 0)?;
        // The runtime goes on at calls after a panic.
        let calls = self
            .code
            .values()
            .filter(|i| is_call(i) && !self.is_barrier(i));
        let calls: Vec<_> = calls.copied().collect();
        for call in calls {
            let depth = self.function.stack_depth(call.ip()).unwrap_or_default();
            self.add(call.ip(), (None, i64::from(depth)), 0)?;
        }
        while let Some((at, state)) = self.open.pop() {
            let sure = self.states[&at][&state];
            self.step(at, state, sure)?;
        }
        let served: BTreeSet<_> = self.edges.iter().map(|edge| edge.ret).collect();
        for ret in served {
            let exits = sites.exits.iter();
            if !exits
                .filter(|exit| exit.kind == ExitKind::Ret)
                .any(|exit| exit.address == ret)
            {
                return Err(format!("{ret:#x} is no ret"));
            }
        }
        for edge in self.edges {
            if edge.site == sites.entry.address {
                return Err(format!("{:#x} is the entry", edge.site));
            }
            if !self.states.contains_key(&edge.site) {
                return Err(format!("{:#x} never runs", edge.site));
            }
            self.turns(edge.site)?;
        }
        Ok(())
    }

    fn step(&mut self, at: u64, state: State, sure: u16) -> Result<(), String> {
        let instruction = *self.code.get(&at).ok_or(format!("{at:#x} is nowhere"))?;
        let (exited, depth) = state;
        if exited.is_some() {
            self.must_be_straight(&instruction, sure)?;
        }
        let served = |ret: u64| self.edges.iter().any(|edge| edge.ret == ret);
        if instruction.flow_control() == FlowControl::Return {
            let expected = served(at).then_some(at);
            return if exited == expected && depth == 0 {
                Ok(())
            } else {
                Err(format!("{at:#x}: ret with {state:x?}, not {expected:x?}"))
            };
        }
        let here: Vec<_> = self.edges.iter().filter(|e| e.site == at).collect();
        for (next, taken) in self.next(&instruction)? {
            let mut exited = exited;
            for edge in &here {
                let bytes = &edge.instruction.bytes;
                let opcode = if bytes[0] == 0x0f { bytes[1] } else { bytes[0] };
                let leaves = match edge.when {
                    When::Always => true,
                    When::Taken(condition) | When::NotTaken(condition) => {
                        if instruction.flow_control() != FlowControl::ConditionalBranch
                            || condition != opcode & 15
                        {
                            return Err(format!("{at:#x}: {edge:x?}"));
                        }
                        taken == matches!(edge.when, When::Taken(_))
                    }
                };
                if leaves {
                    if exited.is_some() || i64::from(edge.depth) != depth {
                        return Err(format!("{at:#x}: {edge:x?} with {state:x?}"));
                    }
                    exited = Some(edge.ret);
                }
            }
            let Some(next) = next else {
                // Another function goes on in this one's stead.
                if exited.is_some() {
                    return Err(format!("{at:#x}: leaves with {state:x?}"));
                }
                continue;
            };
            let depth = depth + pushed(&instruction);
            // A call that never returns stands before code with another depth.
            let table = self.function.stack_depth(next).map(i64::from);
            if table != Some(depth) {
                if is_call(&instruction) || instruction.mnemonic() == Mnemonic::Nop {
                    continue;
                }
                return Err(format!("{at:#x}: depth {depth}, table {table:?}"));
            }
            let sure = self.sure_after(&instruction, sure) | self.compared(&instruction, taken);
            self.add(next, (exited, depth), sure)?;
        }
        Ok(())
    }

    fn must_be_straight(&mut self, instruction: &Instruction, sure: u16) -> Result<(), String> {
        let at = instruction.ip();
        if self.is_barrier(instruction) {
            return Ok(());
        }
        let straight = matches!(
            instruction.flow_control(),
            FlowControl::Next | FlowControl::Return
        );
        let divides = matches!(instruction.mnemonic(), Mnemonic::Div | Mnemonic::Idiv);
        if !straight || divides || instruction.is_privileged() {
            return Err(format!("{at:#x}: {:?} after the exit", instruction.code()));
        }
        for memory in self.info.info(instruction).used_memory() {
            let known = match memory.base() {
                Register::RSP | Register::RIP => true,
                base => is_sure(base, sure),
            } || memory.access() == OpAccess::NoMemAccess
                || memory.base() == Register::None
                    && instruction.is_ip_rel_memory_operand()
                    && memory.index() == Register::None;
            if !known || memory.index() != Register::None && !is_lea(instruction) {
                return Err(format!(
                    "{at:#x}: {:?} may fault after the exit",
                    instruction.code()
                ));
            }
        }
        Ok(())
    }

    /// Registers through which memory was read or written, since when they have not changed.
    fn sure_after(&mut self, instruction: &Instruction, mut sure: u16) -> u16 {
        if self.is_barrier(instruction) {
            return sure | 1 << Register::R11.number();
        }
        if is_call(instruction) {
            return 0;
        }
        let before = sure;
        let info = self.info.info(instruction);
        for memory in info.used_memory() {
            let accesses = !matches!(memory.access(), OpAccess::NoMemAccess | OpAccess::None);
            let alone = memory.index() == Register::None && memory.displacement() < 4096;
            if accesses && alone && memory.base().is_gpr64() {
                sure |= 1 << memory.base().number();
            }
        }
        for register in info.used_registers() {
            let writes = !matches!(register.access(), OpAccess::Read | OpAccess::CondRead);
            let full = register.register().full_register();
            if writes && full.is_gpr64() {
                sure &= !(1 << full.number());
            }
        }
        let whole = instruction.op0_register().is_gpr64();
        let (from, derived) = match instruction.mnemonic() {
            Mnemonic::Mov if whole && instruction.op1_kind() == OpKind::Register => {
                (instruction.op1_register(), true)
            }
            Mnemonic::Lea if whole && instruction.memory_index() == Register::None => {
                let near = instruction.memory_displacement64() < 4096;
                (instruction.memory_base(), near)
            }
            _ => return sure,
        };
        let fixed = is_lea(instruction) && matches!(from, Register::RIP | Register::RSP);
        if fixed || derived && from.is_gpr64() && before >> from.number() & 1 == 1 {
            sure |= 1 << instruction.op0_register().number();
        }
        sure
    }

    /// The register that is not null in this direction of a jump, which a `test` before it compared.
    fn compared(&self, jump: &Instruction, taken: bool) -> u16 {
        let wanted = match jump.mnemonic() {
            Mnemonic::Je => false,
            Mnemonic::Jne => true,
            _ => return 0,
        };
        let reached = self.code.values().any(|other| {
            other.flow_control() != FlowControl::Next && other.near_branch_target() == jump.ip()
        });
        let before = self.code.range(..jump.ip()).next_back();
        let Some((_, test)) = before.filter(|_| wanted == taken && !reached) else {
            return 0;
        };
        let register = test.op0_register();
        let whole = register.is_gpr64() && test.op1_register() == register;
        if test.mnemonic() == Mnemonic::Test && whole {
            1 << register.number()
        } else {
            0
        }
    }

    fn is_barrier(&self, instruction: &Instruction) -> bool {
        is_call(instruction)
            && self
                .executable
                .function_at(instruction.near_branch_target())
                .is_some_and(|callee| {
                    callee.name.starts_with("runtime.gcWriteBarrier")
                        && callee.name.ends_with(|last: char| last.is_ascii_digit())
                        && !callee.name.contains("BarrierR")
                })
    }

    /// Where execution goes on, `None` outside, and whether by a jump.
    fn next(&self, instruction: &Instruction) -> Result<Vec<(Option<u64>, bool)>, String> {
        let inside = |at: u64| {
            (self.function.entry..self.function.end)
                .contains(&at)
                .then_some(at)
        };
        let behind = (Some(instruction.next_ip()), false);
        Ok(match instruction.flow_control() {
            FlowControl::UnconditionalBranch => {
                vec![(inside(instruction.near_branch_target()), true)]
            }
            FlowControl::ConditionalBranch => {
                vec![(inside(instruction.near_branch_target()), true), behind]
            }
            FlowControl::IndirectBranch if instruction.memory_index() != Register::None => {
                let before = self.code.range(..instruction.ip()).rev().map(|(_, i)| i);
                let table = before
                    .take(16)
                    .find(|i| is_lea(i) && i.op0_register() == instruction.memory_base());
                let table = table
                    .ok_or("a switch without a table")?
                    .ip_rel_memory_address();
                let word = |index: u64| {
                    let bytes = self.executable.bytes(table + 8 * index, 8)?;
                    inside(u64::from_le_bytes(bytes.try_into().ok()?))
                };
                (0..)
                    .map_while(word)
                    .filter(|at| self.code.contains_key(at))
                    .map(|at| (Some(at), true))
                    .collect()
            }
            FlowControl::IndirectBranch => vec![(None, true)],
            FlowControl::Exception | FlowControl::Return => vec![],
            _ => vec![behind],
        })
    }

    /// Does execution come back to an address?
    fn turns(&self, site: u64) -> Result<(), String> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![site]);
        while let Some(at) = open.pop() {
            let Some(instruction) = self.code.get(&at) else {
                continue;
            };
            for (next, _) in self.next(instruction)? {
                let Some(next) = next.filter(|next| self.states.contains_key(next)) else {
                    continue;
                };
                let stuck = (is_call(instruction) || instruction.mnemonic() == Mnemonic::Nop)
                    && self.function.stack_depth(next) != self.function.stack_depth(at);
                if next == site && !stuck {
                    return Err(format!("{site:#x} is in a loop"));
                }
                if !stuck && seen.insert(next) {
                    open.push(next);
                }
            }
        }
        Ok(())
    }
}

fn is_call(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::Call | FlowControl::IndirectCall
    )
}

fn is_lea(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Lea
}

fn is_sure(base: Register, sure: u16) -> bool {
    base == Register::R14 || base.is_gpr64() && sure >> base.number() & 1 == 1
}

/// Bytes of stack that an instruction takes.
fn pushed(instruction: &Instruction) -> i64 {
    let immediate = matches!(
        instruction.op1_kind(),
        OpKind::Immediate8to64 | OpKind::Immediate32to64
    );
    match instruction.mnemonic() {
        _ if is_call(instruction) => 0,
        Mnemonic::Sub if instruction.op0_register() == Register::RSP && immediate => {
            instruction.immediate(1) as i64
        }
        Mnemonic::Add if instruction.op0_register() == Register::RSP && immediate => {
            -(instruction.immediate(1) as i64)
        }
        Mnemonic::Lea if instruction.op0_register() == Register::RSP => {
            -(instruction.memory_displacement64() as i64)
        }
        _ => -i64::from(instruction.stack_pointer_increment()),
    }
}

#[derive(Default)]
struct Figures {
    rets: usize,
    served: usize,
}

fn check_all(label: &str, executable: &Executable) -> Figures {
    let mut figures = Figures::default();
    let mut wrong = Vec::new();
    for function in executable.functions() {
        let Ok(sites) = executable.sites_unchecked(&function) else {
            continue;
        };
        let rets = sites.exits.iter().filter(|e| e.kind == ExitKind::Ret);
        figures.rets += rets.count();
        let edges = executable.exit_edges(&function, &sites);
        if edges.is_empty() {
            continue;
        }
        let served: BTreeSet<_> = edges.iter().map(|edge| edge.ret).collect();
        figures.served += served.len();
        if let Err(what) = Checker::new(executable, function, &edges).check(&sites) {
            wrong.push(format!("{}: {what}", function.name));
        }
    }
    wrong.truncate(12);
    assert!(wrong.is_empty(), "{label}: {wrong:#?}");
    figures
}

#[test]
fn every_function_of_a_program_of_many_shapes() {
    for_each(
        &[Mode::Default, Mode::Unoptimised, Mode::Stripped],
        |program| {
            let figures = check_all(&program.label(), &program.executable);
            assert!(figures.served * 5 > figures.rets, "{}", program.label());
        },
    );
}

#[test]
fn every_function_of_a_server() {
    for toolchain in toolchains() {
        let program = toolchain.build_package("example", Mode::Default);
        let figures = check_all(&program.label(), &program.executable);
        println!(
            "{}: {} of {}",
            program.label(),
            figures.served,
            figures.rets
        );
        assert!(figures.served * 4 > figures.rets, "{}", program.label());
    }
}

/// `GOFUNCGRAPH_EXECUTABLES` names more, separated by colons.
#[test]
fn every_function_of_other_executables() {
    let list = std::env::var_os("GOFUNCGRAPH_EXECUTABLES").unwrap_or_default();
    for path in std::env::split_paths(&list).filter(|path| path.is_file()) {
        let data = std::fs::read(&path).expect("an executable");
        let executable = Executable::parse(data).expect("a Go executable");
        let label = path.display().to_string();
        let figures = check_all(&label, &executable);
        println!("{label}: {} of {}", figures.served, figures.rets);
        assert!(figures.served > 0, "{label}");
    }
}
