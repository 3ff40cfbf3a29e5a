//! The cheaper sites of every function of whole programs, judged by a checker that shares nothing with what finds them: it follows all
//! paths with what is known of the stack pointer, of the entry and of the exits passed.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use common::{Mode, for_each, toolchains};
use gobinary::{CheaperSites, EntryKind, EntrySite, Executable, ExitKind, Function, Sites, When};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// The entry site was passed.
    entered: bool,
    /// The `ret` to which a way was taken.
    exited: Option<u64>,
    /// Bytes of stack in use.
    depth: i64,
}

struct Checker<'a> {
    executable: &'a Executable,
    function: Function<'a>,
    entry: &'a EntrySite,
    cheaper: &'a CheaperSites,
    code: BTreeMap<u64, Instruction>,
    info: InstructionInfoFactory,
    /// What can hold before an instruction, each with the registers that are surely not null.
    states: HashMap<u64, BTreeMap<State, u16>>,
    open: Vec<(u64, State)>,
}

impl<'a> Checker<'a> {
    fn new(
        executable: &'a Executable,
        function: Function<'a>,
        entry: &'a EntrySite,
        cheaper: &'a CheaperSites,
    ) -> Self {
        let code = function.code();
        let end = code.iter().rposition(|&b| b != 0xcc).map_or(0, |at| at + 1);
        let decoder = Decoder::with_ip(64, &code[..end], function.entry, DecoderOptions::NONE);
        Self {
            executable,
            function,
            entry,
            cheaper,
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
        if states.len() > 16 {
            return Err(format!("{to:#x}: states {states:?}"));
        }
        self.open.push((to, state));
        Ok(())
    }

    fn check(mut self, sites: &Sites) -> Result<(), String> {
        let start = State {
            entered: false,
            exited: None,
            depth: 0,
        };
        self.add(self.function.entry, start, 0)?;
        // The runtime goes on at calls after a panic.
        let calls = self.code.values();
        let calls = calls.filter(|i| is_call(i) && !self.is_barrier(i) && !self.grows_stack(i));
        let calls: Vec<_> = calls.copied().collect();
        for call in calls {
            let depth = self.function.stack_depth(call.ip()).unwrap_or_default();
            let state = State {
                entered: true,
                exited: None,
                depth: depth.into(),
            };
            self.add(call.ip(), state, 0)?;
        }
        while let Some((at, state)) = self.open.pop() {
            let sure = self.states[&at][&state];
            self.step(at, state, sure)?;
        }
        for exit in &self.cheaper.exits {
            let is_ret =
                |site: &gobinary::ExitSite| site.kind == ExitKind::Ret && site.address == exit.ret;
            if !sites.exits.iter().any(is_ret) {
                return Err(format!("{:#x} is no ret", exit.ret));
            }
            for edge in &exit.edges {
                let at_entry = edge.site == self.entry.address;
                if !self.states.contains_key(&edge.site) {
                    return Err(format!("{:#x} never runs", edge.site));
                }
                if !at_entry {
                    self.turns(edge.site)?;
                }
                if !edge.instruction.emulated && !at_entry {
                    return Err(format!("{:#x} is stepped", edge.site));
                }
            }
            for call in &exit.calls {
                let callee = self.executable.function_at(call.callee);
                if callee.is_none_or(|callee| callee.entry != call.callee) {
                    return Err(format!("{:#x} is no function", call.callee));
                }
            }
        }
        if self.entry.kind == EntryKind::Later {
            self.turns(self.entry.address)?;
        }
        Ok(())
    }

    fn step(&mut self, at: u64, state: State, sure: u16) -> Result<(), String> {
        let instruction = *self.code.get(&at).ok_or(format!("{at:#x} is nowhere"))?;
        if state.exited.is_some() {
            self.must_be_straight(&instruction, sure)?;
        }
        if !state.entered && self.entry.kind == EntryKind::Later && at != self.entry.address {
            self.must_be_straight(&instruction, sure)?;
            self.must_keep(&instruction)?;
        }
        if instruction.flow_control() == FlowControl::Return {
            let served = self.cheaper.exits.iter().any(|exit| exit.ret == at);
            let expected = State {
                entered: true,
                exited: served.then_some(at),
                depth: 0,
            };
            let enters = State {
                entered: state.entered || at == self.entry.address,
                ..state
            };
            return if enters == expected {
                Ok(())
            } else {
                Err(format!("{at:#x}: ret with {state:x?}, not {expected:x?}"))
            };
        }
        for (next, taken) in self.next(&instruction)? {
            let mut after = state;
            if at == self.entry.address && !(self.entry.kind == EntryKind::Jbe && taken) {
                if state.entered {
                    return Err(format!("{at:#x}: entered twice"));
                }
                after.entered = true;
            }
            self.leave(&instruction, taken, &mut after)?;
            let exited = after.exited;
            let Some(next) = next else {
                // Another function goes on in this one's stead.
                if exited.is_some() {
                    return Err(format!("{at:#x}: leaves with {state:x?}"));
                }
                continue;
            };
            let depth = state.depth + pushed(&instruction);
            // A call that never returns stands before code with another depth.
            let table = self.function.stack_depth(next).map(i64::from);
            if table != Some(depth) {
                if is_call(&instruction) || instruction.mnemonic() == Mnemonic::Nop {
                    continue;
                }
                return Err(format!("{at:#x}: depth {depth}, table {table:?}"));
            }
            let sure = self.sure_after(&instruction, sure) | self.compared(&instruction, taken);
            self.add(next, State { depth, ..after }, sure)?;
        }
        Ok(())
    }

    /// Takes the ways out that begin at an instruction, in one direction.
    fn leave(
        &self,
        instruction: &Instruction,
        taken: bool,
        state: &mut State,
    ) -> Result<(), String> {
        let at = instruction.ip();
        for exit in &self.cheaper.exits {
            let edges = exit.edges.iter().filter(|edge| edge.site == at);
            let edges = edges.map(|edge| (Some(edge), edge.depth));
            let calls = exit.calls.iter().filter(|call| {
                is_call(instruction) && call.return_address == instruction.next_ip()
            });
            let calls = calls.map(|call| {
                let same = call.callee == instruction.near_branch_target();
                (None, if same { call.depth } else { u32::MAX })
            });
            for (edge, depth) in edges.chain(calls) {
                let leaves = match edge.map(|edge| (edge.when, edge.instruction.bytes)) {
                    None | Some((When::Always, _)) => true,
                    Some((When::Taken(condition) | When::NotTaken(condition), bytes)) => {
                        let opcode = if bytes[0] == 0x0f { bytes[1] } else { bytes[0] };
                        if instruction.flow_control() != FlowControl::ConditionalBranch
                            || condition != opcode & 15
                        {
                            return Err(format!("{at:#x}: {edge:x?}"));
                        }
                        taken == edge.is_some_and(|e| matches!(e.when, When::Taken(_)))
                    }
                };
                if leaves {
                    if !state.entered || state.exited.is_some() || i64::from(depth) != state.depth {
                        return Err(format!("{at:#x}: {edge:x?} with {state:x?}"));
                    }
                    state.exited = Some(exit.ret);
                }
            }
        }
        Ok(())
    }

    /// Before a call is seen to begin, what is looked at there has to stay as it was.
    fn must_keep(&mut self, instruction: &Instruction) -> Result<(), String> {
        let kept = [Register::RSP, Register::RBP, Register::R14];
        let mut used = self.info.info(instruction).used_registers().iter();
        let writes = used.any(|used| {
            kept.contains(&used.register().full_register()) && used.access() != OpAccess::Read
        });
        if writes {
            return Err(format!("{:#x} before the entry", instruction.ip()));
        }
        Ok(())
    }

    fn callee(&self, call: &Instruction) -> &str {
        let callee = self.executable.function_at(call.near_branch_target());
        callee.map_or("", |callee| callee.name)
    }

    fn grows_stack(&self, call: &Instruction) -> bool {
        self.callee(call).starts_with("runtime.morestack")
    }

    fn panics(&self, call: &Instruction) -> bool {
        let never = ["runtime.gopanic", "runtime.block"];
        let callee = self.callee(call);
        never.contains(&callee)
            || callee.starts_with("runtime.panic") && !callee.contains("panicCheck")
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
            FlowControl::Call if self.panics(instruction) => vec![],
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
    /// … with edges alone.
    edges: usize,
    /// … with calls.
    calls: usize,
    moved: usize,
}

fn check_all(label: &str, executable: &Executable) -> Figures {
    let mut figures = Figures::default();
    let mut wrong = Vec::new();
    for function in executable.functions() {
        let Ok((sites, cheaper)) = executable.all_sites_unchecked(&function) else {
            continue;
        };
        let rets = sites.exits.iter().filter(|e| e.kind == ExitKind::Ret);
        figures.rets += rets.count();
        let calls = cheaper.exits.iter().filter(|exit| !exit.calls.is_empty());
        let calls = calls.count();
        figures.calls += calls;
        figures.edges += cheaper.exits.len() - calls;
        figures.moved += usize::from(cheaper.entry.is_some());
        if cheaper == CheaperSites::default() {
            continue;
        }
        // Either entry may be probed.
        for entry in [Some(&sites.entry), cheaper.entry.as_ref()]
            .into_iter()
            .flatten()
        {
            let checker = Checker::new(executable, function, entry, &cheaper);
            if let Err(what) = checker.check(&sites) {
                wrong.push(format!("{}: {what}", function.name));
            }
        }
    }
    wrong.truncate(12);
    assert!(wrong.is_empty(), "{label}: {wrong:#?}");
    println!(
        "{label}: of {} rets {} have edges and {} calls; {} entries are moved",
        figures.rets, figures.edges, figures.calls, figures.moved
    );
    figures
}

#[test]
fn every_function_of_a_program_of_many_shapes() {
    for_each(
        &[Mode::Default, Mode::Unoptimised, Mode::Stripped],
        |program| {
            let figures = check_all(&program.label(), &program.executable);
            assert!(figures.edges * 5 > figures.rets, "{}", program.label());
        },
    );
}

#[test]
fn every_function_of_a_server() {
    for toolchain in toolchains() {
        let program = toolchain.build_package("example", Mode::Default);
        let figures = check_all(&program.label(), &program.executable);
        assert!(figures.edges * 4 > figures.rets, "{}", program.label());
        assert!(
            figures.calls > 0 && figures.moved > 0,
            "{}",
            program.label()
        );
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
        assert!(figures.edges > 0, "{label}");
    }
}
