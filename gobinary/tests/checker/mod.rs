//! Judges the sites of a function, and shares nothing with what finds them: it follows all paths with what is known of the stack
//! pointer, of values, of the entry and of the exits passed.

mod instructions;
mod known;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gobinary::{CheaperSites, EntryKind, EntrySite, Executable, ExitKind, Function, Sites, When};
use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};

use instructions::{is_call, is_lea, pushed, returns_pointer};
use known::{Known, Place};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// The entry site was passed.
    entered: bool,
    /// The `ret` to which a way was taken.
    exited: Option<u64>,
    /// Bytes of stack in use.
    depth: i64,
}

pub struct Checker<'a> {
    executable: &'a Executable,
    function: Function<'a>,
    entry: &'a EntrySite,
    cheaper: &'a CheaperSites,
    code: BTreeMap<u64, Instruction>,
    targets: BTreeMap<u64, Vec<u64>>,
    info: InstructionInfoFactory,
    /// The lowest addresses taken below and above the return address: pointers may lead to what is above them.
    taken: (i64, i64),
    /// What can hold before an instruction.
    states: HashMap<u64, BTreeMap<State, Known>>,
    open: Vec<(u64, State)>,
}

impl<'a> Checker<'a> {
    pub fn new(
        executable: &'a Executable,
        function: Function<'a>,
        entry: &'a EntrySite,
        cheaper: &'a CheaperSites,
    ) -> Self {
        let code = function.code();
        let end = code.iter().rposition(|&b| b != 0xcc).map_or(0, |at| at + 1);
        let decoder = Decoder::with_ip(64, &code[..end], function.entry, DecoderOptions::NONE);
        let code: BTreeMap<_, _> = decoder.into_iter().map(|i| (i.ip(), i)).collect();
        let mut targets: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for jump in code
            .values()
            .filter(|i| i.is_jcc_short_or_near() || i.is_jmp_short_or_near())
        {
            targets
                .entry(jump.near_branch_target())
                .or_default()
                .push(jump.ip());
        }
        let mut checker = Self {
            executable,
            function,
            entry,
            cheaper,
            code,
            targets,
            info: InstructionInfoFactory::new(),
            taken: (i64::MAX, i64::MAX),
            states: HashMap::new(),
            open: Vec::new(),
        };
        checker.taken = checker.taken();
        checker
    }

    fn taken(&self) -> (i64, i64) {
        let (mut below, mut above) = (i64::MAX, i64::MAX);
        for instruction in self.code.values() {
            let to = instruction.op0_register();
            let lea = is_lea(instruction) && !matches!(to, Register::RBP | Register::RSP);
            let indexed = instruction.memory_index() != Register::None;
            let based = instruction.memory_base() == Register::RSP && (lea || indexed);
            let copied = instruction.mnemonic() == Mnemonic::Mov
                && instruction.op1_register() == Register::RSP
                && to != Register::RBP;
            // The stack check's own comparison of what the stack pointer will be.
            if !(based || copied) || to == Register::R12 && instruction.ip() < self.entry.address {
                continue;
            }
            let depth = self.function.stack_depth(instruction.ip()).map(i64::from);
            let at = depth.filter(|_| based).map_or(i64::MIN, |depth| {
                instruction.memory_displacement64() as i64 - depth
            });
            if at < 0 {
                below = below.min(at);
            } else {
                above = above.min(at);
            }
        }
        (below, above)
    }

    /// The word of the frame that an instruction's memory operand is, if only the function's own code changes it.
    fn slot(&self, instruction: &Instruction, depth: i64) -> Option<Place> {
        let whole = instruction.memory_base() == Register::RSP
            && instruction.memory_index() == Register::None;
        let at = instruction.memory_displacement64() as i64 - depth;
        let locals = self.function.scanned_locals().unwrap_or(0) as i64;
        let own = at < -8 && at >= -8 - locals && at < self.taken.0 || at >= 8 && at < self.taken.1;
        (whole && own).then_some(Place::Slot(at))
    }

    fn add(&mut self, to: u64, state: State, known: &Known) -> Result<(), String> {
        let known = known.plain();
        let states = self.states.entry(to).or_default();
        let met = match states.get(&state) {
            Some(before) => {
                let met = before.meet(&known);
                if met == *before {
                    return Ok(());
                }
                met
            }
            None => known,
        };
        states.insert(state, met);
        if states.len() > 16 {
            return Err(format!("{to:#x}: too many states"));
        }
        self.open.push((to, state));
        Ok(())
    }

    pub fn check(mut self, sites: &Sites) -> Result<(), String> {
        let start = State {
            entered: false,
            exited: None,
            depth: 0,
        };
        self.add(self.function.entry, start, &Known::default())?;
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
            self.add_resumed(&call, state)?;
        }
        while let Some((at, state)) = self.open.pop() {
            let known = self.states[&at][&state].clone();
            self.step(at, state, known)?;
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

    /// Only at and behind calls that have to do with deferred functions, but a call that nothing else leads to may be such a one.
    fn add_resumed(&mut self, call: &Instruction, state: State) -> Result<(), String> {
        let defers = self.callee(call).starts_with("runtime.defer");
        let mut before = self.code.range(..call.ip()).rev();
        let falls = before.next().is_some_and(|(_, before)| {
            !matches!(
                before.flow_control(),
                FlowControl::UnconditionalBranch
                    | FlowControl::IndirectBranch
                    | FlowControl::Return
                    | FlowControl::Exception
            )
        });
        if defers || !falls && !self.targets.contains_key(&call.ip()) {
            self.add(call.ip(), state, &Known::default())?;
        }
        Ok(())
    }

    fn step(&mut self, at: u64, state: State, known: Known) -> Result<(), String> {
        let instruction = *self.code.get(&at).ok_or(format!("{at:#x} is nowhere"))?;
        if state.exited.is_some() {
            self.must_be_straight(&instruction, &known)?;
        }
        if !state.entered && self.entry.kind == EntryKind::Later && at != self.entry.address {
            self.must_be_straight(&instruction, &known)?;
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
            let mut known = known.clone();
            self.learn(&instruction, state.depth, &mut known);
            self.compare(&instruction, taken, &mut known);
            self.add(next, State { depth, ..after }, &known)?;
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
            let returns =
                |return_address| is_call(instruction) && return_address == instruction.next_ip();
            let calls = exit
                .calls
                .iter()
                .filter(|call| returns(call.return_address));
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

    fn must_be_straight(&mut self, instruction: &Instruction, known: &Known) -> Result<(), String> {
        let at = instruction.ip();
        let sure = |register| known.is_sure(Place::Register(register));
        let both = sure(Register::RDI) && sure(Register::RSI);
        if self.is_barrier(instruction)
            || self.callee(instruction) == "runtime.duffzero" && sure(Register::RDI)
            || self.callee(instruction) == "runtime.duffcopy" && both
            || self.is_block_loop(instruction)
        {
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
            if memory.access() == OpAccess::NoMemAccess {
                continue;
            }
            // No other access stands for a nil check.
            let may_check = memory.index() == Register::None && memory.displacement() < 4096;
            let fine = match memory.base() {
                Register::RSP => true,
                Register::None => instruction.is_ip_rel_memory_operand(),
                base => sure(base) || base == Register::R14 || !may_check,
            };
            if !fine || memory.segment() == Register::FS {
                return Err(format!("{at:#x}: {:?} may fault", instruction.code()));
            }
        }
        Ok(())
    }

    /// Keeps the books of an instruction's results.
    fn learn(&mut self, instruction: &Instruction, depth: i64, known: &mut Known) {
        let callee = self.callee(instruction).to_owned();
        if self.is_barrier(instruction) {
            if callee.ends_with(|last: char| last.is_ascii_digit()) && !callee.contains("BarrierR")
            {
                known.set(Place::Register(Register::R11), true);
            }
            return;
        }
        if callee.starts_with("runtime.duff") {
            known.set(Place::Register(Register::RDI), true);
            if callee == "runtime.duffcopy" {
                known.set(Place::Register(Register::RSI), true);
            }
            return;
        }
        if is_call(instruction) {
            let defers = callee.starts_with("runtime.defer");
            known.forget(|place| defers || matches!(place, Place::Register(_)));
            if returns_pointer(&callee) {
                known.set(Place::Register(Register::RAX), true);
            }
            return;
        }
        let slot = self.slot(instruction, depth);
        let info = self.info.info(instruction);
        for memory in info.used_memory() {
            let accesses = !matches!(memory.access(), OpAccess::NoMemAccess | OpAccess::None);
            let alone = memory.index() == Register::None && memory.displacement() < 4096;
            let repeats = instruction.has_rep_prefix() || instruction.has_repne_prefix();
            if accesses && alone && !repeats && memory.base().is_gpr64() {
                known.prove(Place::Register(memory.base()));
            }
        }
        let before = known.clone();
        let writes = info.used_memory().iter().any(|memory| {
            !matches!(
                memory.access(),
                OpAccess::NoMemAccess | OpAccess::None | OpAccess::Read | OpAccess::CondRead
            ) && memory.base() == Register::RSP
        });
        if writes {
            let from = instruction.memory_displacement64() as i64 - depth;
            let size = instruction.memory_size().size() as i64;
            known.forget(
                |place| matches!(place, Place::Slot(at) if at + 8 > from && at < from + size),
            );
        }
        for register in info.used_registers() {
            let full = register.register().full_register();
            if !matches!(register.access(), OpAccess::Read | OpAccess::CondRead) {
                known.forget(|place| place == Place::Register(full));
            }
        }
        let (to, from) = (instruction.op0_register(), instruction.op1_register());
        let whole = to.is_gpr64();
        match instruction.code() {
            Code::Mov_r64_rm64 | Code::Mov_rm64_r64 if whole && from.is_gpr64() => {
                let mut copied = before;
                copied.copy(Place::Register(to), Place::Register(from));
                *known = copied;
            }
            Code::Mov_r64_rm64 => {
                if let Some(slot) = slot {
                    known.copy(Place::Register(to), slot);
                }
            }
            Code::Mov_rm64_r64 if writes => {
                if let Some(slot) = slot {
                    known.copy(slot, Place::Register(from));
                }
            }
            _ => {}
        }
        // The compiler takes results of address arithmetic for addresses, and checks none of them.
        let computes = matches!(
            instruction.mnemonic(),
            Mnemonic::Lea | Mnemonic::Add | Mnemonic::Sub
        );
        if computes && whole {
            known.set(Place::Register(to), true);
        }
    }

    /// In one direction of a jump the register is not null that a `test` before it compared.
    fn compare(&self, jump: &Instruction, taken: bool, known: &mut Known) {
        let wanted = match jump.mnemonic() {
            Mnemonic::Je => false,
            Mnemonic::Jne => true,
            _ => return,
        };
        let before = self.code.range(..jump.ip()).next_back();
        let reached = self.targets.contains_key(&jump.ip());
        let Some((_, test)) = before.filter(|_| wanted == taken && !reached) else {
            return;
        };
        let register = test.op0_register();
        let whole = register.is_gpr64() && test.op1_register() == register;
        if test.mnemonic() == Mnemonic::Test && whole {
            known.prove(Place::Register(register));
        }
    }

    /// Is this the last jump of a loop that is run a constant number of times, with a count that nothing else changes?
    fn is_block_loop(&mut self, jump: &Instruction) -> bool {
        let start = jump.near_branch_target();
        if jump.mnemonic() != Mnemonic::Jne || start >= jump.ip() {
            return false;
        }
        let body: Vec<_> = self.code.range(start..jump.ip()).map(|(_, i)| *i).collect();
        let Some(dec) = body.last().filter(|i| i.mnemonic() == Mnemonic::Dec) else {
            return false;
        };
        let count = dec.op0_register().full_register();
        let mut before = self.code.range(..start).rev().map(|(_, i)| *i);
        let setting = before.find(|i| i.op0_register().full_register() == count);
        let Some(setting) = setting.filter(|i| {
            i.mnemonic() == Mnemonic::Mov
                && matches!(i.op1_kind(), OpKind::Immediate32 | OpKind::Immediate32to64)
                && i.immediate(1) > 0
        }) else {
            return false;
        };
        // Nothing jumps in between, or into the loop, but its own jump.
        let entered = self.targets.range(setting.next_ip()..=jump.ip());
        let alone = entered
            .flat_map(|(_, from)| from)
            .all(|from| *from == jump.ip());
        let between: Vec<_> = self.code.range(setting.next_ip()..dec.ip()).collect();
        let info = &mut self.info;
        let kept = between.iter().all(|(_, i)| {
            let used = info.info(i).used_registers();
            i.flow_control() == FlowControl::Next
                && used.iter().all(|used| {
                    used.register().full_register() != count || used.access() == OpAccess::Read
                })
        });
        alone && kept
    }

    fn callee(&self, call: &Instruction) -> &'a str {
        let callee = (call.code() == Code::Call_rel32_64)
            .then(|| self.executable.function_at(call.near_branch_target()));
        callee.flatten().map_or("", |callee| callee.name)
    }

    fn is_barrier(&self, instruction: &Instruction) -> bool {
        self.callee(instruction)
            .starts_with("runtime.gcWriteBarrier")
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
