//! Where a call is seen to begin and to leave at less cost than at its `ret`s and at a single-stepped first instruction.
//!
//! A probe on a `ret` is single-stepped. Most `ret`s are reached, through code in which nothing can happen any more, from a jump, which
//! is emulated, or from a call, whose own way out is probed where the called function is. A `ret`'s ways are all the ways into that
//! code: each execution that reaches the `ret` takes exactly one of them, and each that takes one reaches the `ret`. Where one of the
//! ways is neither (a loop turns there, a closure's call returns there), the `ret` has none. Everything is decided on the control-flow
//! graph.

use std::cell::OnceCell;

use iced_x86::{FlowControl, Instruction as Decoded, Mnemonic, Register};

use crate::Executable;
use crate::code::body::Body;
use crate::code::cfg::Graph;
use crate::code::search::{Search, Way, WayKind};
use crate::code::site::{EntryKind, EntrySite, ExitKind, Instruction, Sites, Unprobeable};
use crate::code::when::When;
use crate::tables::function::Function;

/// Places at which the same is seen as at a function's [`Sites`], for less.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CheaperSites {
    /// Takes the place of an entry that is single-stepped: an instruction that is emulated, or the function's only `ret`, where a call
    /// is seen to begin and to leave at once.
    pub entry: Option<EntrySite>,
    /// The ways to each `ret` that can be replaced, by ascending address of the `ret`.
    pub exits: Vec<ExitWays>,
}

/// All ways to a `ret`. Each call that leaves through it takes exactly one of them, once, and calls nothing after it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExitWays {
    /// Link-time address of the `ret`.
    pub ret: u64,
    /// Of all calls that leave, the share that leaves through it, by a guess: where ways part, as many go each way.
    pub share: f32,
    /// Ways from an emulated instruction, by ascending address. One at the function's entry site says that the call also ends there:
    /// at [`EntrySite::address`] of either entry, whichever is probed.
    pub edges: Vec<ExitEdge>,
    /// Ways from a call, by ascending address.
    pub calls: Vec<LastCall>,
}

/// A way to a `ret` from the last instruction before it that the kernel emulates. R14 holds g there; results are not yet where they
/// belong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExitEdge {
    /// Link-time address of the instruction that leaves. Two edges may share it: a conditional jump both of whose ways lead out,
    /// through different `ret`s; both taken together, every hit is an exit.
    pub site: u64,
    /// The instruction.
    pub instruction: Instruction,
    /// Which hits are exits.
    pub when: When,
    /// Of all calls that leave, the share that passes the site, in whatever direction, by the same guess.
    pub share: f32,
    /// Bytes from the stack pointer at the site up to the return address.
    pub depth: u32,
}

/// A call after which its caller does nothing that can be seen but return: both return at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCall {
    /// Link-time address of the called function's first instruction.
    pub callee: u64,
    /// Link-time address behind the call.
    pub return_address: u64,
    /// Bytes from the stack pointer before the call up to the caller's return address.
    pub depth: u32,
}

impl Executable {
    /// Where to probe a function, and where else for less.
    ///
    /// # Errors
    ///
    /// Those of [`Executable::sites`].
    pub fn all_sites(&self, function: &Function<'_>) -> Result<(Sites, CheaperSites), Unprobeable> {
        match crate::code::policy::denied(self, function) {
            Some(reason) => Err(reason),
            None => self.all_sites_unchecked(function),
        }
    }

    /// The same also where a probe is unsafe by what the function does.
    ///
    /// # Errors
    ///
    /// Those of [`Executable::sites_unchecked`].
    pub fn all_sites_unchecked(
        &self,
        function: &Function<'_>,
    ) -> Result<(Sites, CheaperSites), Unprobeable> {
        let body = Body::decode(self, function)?;
        let sites = body.sites()?;
        let cheaper = body.cheaper_sites(&sites).unwrap_or_default();
        Ok((sites, cheaper))
    }
}

impl Body<'_> {
    fn cheaper_sites(&self, sites: &Sites) -> Option<CheaperSites> {
        if self.assembly || sites.writes_r14 || self.takes_own_address() {
            return None;
        }
        let depths: Vec<_> = self.function.runs(self.function.record.pcsp).collect();
        let depth = |address: u64| {
            let offset = address - self.function.entry;
            let run = depths.get(depths.partition_point(|run| run.end <= offset));
            run.map(|run| i64::from(run.value))
        };
        let rets = sites.exits.iter().filter(|e| e.kind == ExitKind::Ret);
        let rets: Vec<_> = rets
            .map(|exit| exit.address)
            .filter(|ret| *ret != sites.entry.address)
            .collect();
        let switch = |jump| self.switch_targets(jump);
        let callee = |call: &Decoded| self.executable.callee(call);
        let returns = |call: &Decoded| !self.executable.is_panic(call);
        let graph = Graph::new(&self.instructions, depth, switch, returns)?;
        if !self.switches_load_their_tables(&graph) {
            return None;
        }
        let search = Search {
            instructions: &self.instructions,
            graph: &graph,
            entry: &sites.entry,
            is_emulated: &|decoded| self.site(decoded).is_ok_and(|site| site.emulated),
            callee: &callee,
            depth: &depth,
            locals: &|| self.function.scanned_locals().unwrap_or(0),
            nonnull: OnceCell::new(),
            flow: OnceCell::new(),
        };
        let ways = search.ways(&rets);
        let shares = match ways.is_empty() {
            true => Vec::new(),
            false => search.flow().shares(&graph, |node| {
                let instruction = self.instructions.get(node);
                instruction.is_some_and(|i| self.leaves(i))
            }),
        };
        let share = |node: usize| shares.get(node).copied().unwrap_or_default();
        let mut exits: Vec<ExitWays> = Vec::new();
        for way in ways {
            if exits.last().is_none_or(|exit| exit.ret != way.ret) {
                exits.push(ExitWays {
                    ret: way.ret,
                    share: self.node(way.ret).map_or(0.0, share),
                    edges: Vec::new(),
                    calls: Vec::new(),
                });
            }
            self.add_way(&way, share(way.node), exits.last_mut()?)?;
        }
        Some(CheaperSites {
            entry: search
                .cheaper_entry()
                .and_then(|node| self.later_entry(self.instructions.get(node)?)),
            exits,
        })
    }

    fn node(&self, address: u64) -> Option<usize> {
        self.instructions
            .binary_search_by_key(&address, Decoded::ip)
            .ok()
    }

    fn add_way(&self, way: &Way, share: f32, exit: &mut ExitWays) -> Option<()> {
        let decoded = self.instructions.get(way.node)?;
        match way.kind {
            WayKind::Edge(when) => exit.edges.push(ExitEdge {
                site: decoded.ip(),
                instruction: self.site(decoded).ok()?,
                when,
                share,
                depth: way.depth,
            }),
            WayKind::Call => exit.calls.push(LastCall {
                callee: decoded.near_branch_target(),
                return_address: decoded.next_ip(),
                depth: way.depth,
            }),
        }
        Some(())
    }

    fn later_entry(&self, decoded: &Decoded) -> Option<EntrySite> {
        Some(EntrySite {
            address: decoded.ip(),
            kind: EntryKind::Later,
            instruction: self.site(decoded).ok()?,
            g_from_tls: false,
        })
    }

    /// Where an indirect jump leads: into the function through a table whose address is loaded right before it, or out of the
    /// function. The words after the table are read as part of it while they look like that.
    fn switch_targets(&self, jump: usize) -> Option<Vec<u64>> {
        let instruction = self.instructions.get(jump)?;
        if instruction.memory_index() == Register::None {
            return Some(Vec::new());
        }
        let load = self.instructions.get(jump.checked_sub(1)?)?;
        let table = (load.mnemonic() == Mnemonic::Lea
            && load.is_ip_rel_memory_operand()
            && load.op0_register() == instruction.memory_base()
            && instruction.memory_displacement64() == 0)
            .then(|| load.ip_rel_memory_address())?;
        let targets = (0..self.instructions.len() as u64).map_while(|index| {
            let target = self
                .executable
                .image
                .pointer(table.checked_add(index * 8)?)?;
            self.node(target).map(|_| target)
        });
        let targets: Vec<_> = targets.collect();
        (!targets.is_empty()).then_some(targets)
    }

    /// A jump to between the load of a table's address and the jump through it would bring another table.
    fn switches_load_their_tables(&self, graph: &Graph<'_>) -> bool {
        let mut before = Vec::new();
        self.instructions.iter().enumerate().all(|(index, jump)| {
            let switches = jump.flow_control() == FlowControl::IndirectBranch
                && jump.memory_index() != Register::None;
            before.clear();
            if switches {
                graph.predecessors(index, &mut before);
            }
            before.iter().all(|&(_, jumps)| !jumps)
        })
    }
}
