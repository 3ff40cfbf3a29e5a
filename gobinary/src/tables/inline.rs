//! Inlining: which functions an instruction belongs to, and into which places a function went.
//!
//! Inlined functions have no entry of their own to probe, and they are most of a program. The linker records a tree for each function
//! (FUNCDATA_InlTree, FUNCDATA 3) and, for each instruction, its place in that tree (PCDATA_InlTreeIndex, PCDATA 2);
//! `runtime/symtabinl.go` reads them. A tree's entry is 20 bytes long in Go 1.18 and 1.19, 16 since.

use std::collections::BTreeMap;

use crate::Executable;
use crate::tables::function::Function;

const PCDATA_INLINE_INDEX: u32 = 2;
const FUNCDATA_INLINE_TREE: u8 = 3;
/// Trees that are read to tell the right base from a wrong one.
const TRIALS: usize = 64;
/// Greatest depth of inlining that is followed.
const MAX_DEPTH: usize = 256;

/// One function at an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InlineFrame<'a> {
    /// Full symbol name.
    pub name: &'a str,
    /// File of the instruction, or of the call that was inlined.
    pub file: Option<&'a str>,
    /// Its line.
    pub line: Option<u32>,
}

/// A place into which a function was inlined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InlinedAt {
    /// Index of the function whose code it became part of.
    pub function: u32,
    /// Address whose source position ([`Executable::position`]) is that of the call.
    pub address: u64,
    /// An address within what it became.
    pub code: u64,
}

/// Functions that were inlined, by name.
#[derive(Debug, Default)]
pub struct InlineIndex {
    /// Sorted by name; each has a range of `places`, and the line of its `func` keyword since Go 1.20.
    names: BTreeMap<String, (std::ops::Range<usize>, Option<u32>)>,
    places: Vec<InlinedAt>,
}

impl InlineIndex {
    /// Reads every function's tree.
    pub(crate) fn new(executable: &Executable) -> Self {
        let Some(trees) = executable.inline_trees() else {
            return Self::default();
        };
        let mut all = Vec::new();
        let mut seen = Vec::new();
        for function in executable.functions() {
            let Some(tree) = trees.tree(executable, &function) else {
                continue;
            };
            seen.clear();
            for run in function.runs(tree.runs) {
                let number = u32::try_from(run.value).ok();
                seen.extend(number.map(|number| (number, function.entry + run.start)));
            }
            seen.sort_unstable();
            seen.dedup_by_key(|(number, _)| *number);
            for &(number, code) in &seen {
                if let Some(node) = trees.node(executable, &tree, number) {
                    let address = function.entry + u64::from(node.parent_pc);
                    let place = InlinedAt {
                        function: function.index,
                        address,
                        code,
                    };
                    all.push((node.name, place, node.start_line));
                }
            }
        }
        all.sort_by_key(|&(name, place, _)| (name, place.function, place.address));
        let mut names = BTreeMap::new();
        let mut places = Vec::with_capacity(all.len());
        for same in all.chunk_by(|a, b| a.0 == b.0) {
            let start = places.len();
            places.extend(same.iter().map(|&(_, place, _)| place));
            if let Some((name, _, start_line)) = same.first() {
                names.insert(
                    executable.table.name(&executable.image, *name).to_owned(),
                    (start..places.len(), *start_line),
                );
            }
        }
        Self { names, places }
    }

    /// Where a function was inlined, by ascending address.
    #[must_use]
    pub fn places(&self, name: &str) -> &[InlinedAt] {
        self.names
            .get(name)
            .and_then(|(range, _)| self.places.get(range.clone()))
            .unwrap_or_default()
    }

    /// The line of a function's `func` keyword; `None` before Go 1.20.
    pub(crate) fn start_line(&self, name: &str) -> Option<u32> {
        self.names.get(name).and_then(|(_, line)| *line)
    }

    /// Does a function of this name exist that was inlined somewhere?
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Names of all functions that were inlined somewhere, sorted. They may have code of their own too.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Number of places, of all functions together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Was nothing inlined, or is it not known?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

impl Executable {
    /// The functions to which an instruction belongs, the innermost first; the last one is the function whose code it is. For a
    /// return address, ask for the byte before it.
    #[must_use]
    pub fn inline_frames(&self, address: u64) -> Vec<InlineFrame<'_>> {
        let Some(function) = self.function_at(address) else {
            return Vec::new();
        };
        let mut frames = Vec::new();
        let mut at = address;
        let frame = |name, at| {
            let position = self.position_in(&function, at);
            InlineFrame {
                name,
                file: position.map(|p| p.file),
                line: position.map(|p| p.line),
            }
        };
        if let Some((trees, tree)) = self
            .inline_trees()
            .and_then(|t| Some((t, t.tree(self, &function)?)))
        {
            while frames.len() < MAX_DEPTH {
                let number = function
                    .value(tree.runs, at)
                    .and_then(|number| u32::try_from(number).ok());
                let Some(node) = number.and_then(|number| trees.node(self, &tree, number)) else {
                    break;
                };
                frames.push(frame(self.table.name(&self.image, node.name), at));
                at = function.entry + u64::from(node.parent_pc);
            }
        }
        frames.push(frame(function.name, at));
        frames
    }
}

/// Where inline trees are and how their entries look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InlineTrees {
    base: u64,
    /// Bytes of an entry, and in it the offsets of the name's offset, of the call's address and of the function's first line.
    size: u64,
    name: usize,
    parent_pc: usize,
    start_line: Option<usize>,
}

/// One function's tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree {
    address: u64,
    function_size: u64,
    /// The table that gives the place in the tree for each instruction.
    runs: u32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    name: u32,
    /// Bytes from the function's entry to an instruction whose position is that of the call.
    parent_pc: u32,
    /// Line of the `func` keyword.
    start_line: Option<u32>,
}

impl InlineTrees {
    /// Tries the words of the module data that may be the base of FUNCDATA, and takes the one under which trees make sense.
    pub fn find(executable: &Executable) -> Option<Self> {
        let module = executable.module.as_ref()?;
        let old = Self {
            base: 0,
            size: 20,
            name: 12,
            parent_pc: 16,
            start_line: None,
        };
        let new = Self {
            base: 0,
            size: 16,
            name: 4,
            parent_pc: 8,
            start_line: Some(12),
        };
        // Go 1.20 changed the magic; should it have kept the old entries, the trial tells.
        let layouts: &[Self] = if executable.table.is_modern() {
            &[new, old]
        } else {
            &[old]
        };
        let samples: Vec<_> = executable
            .functions()
            .filter(|f| Self { base: 0, ..new }.tree(executable, f).is_some())
            .take(TRIALS)
            .collect();
        if samples.is_empty() {
            return None;
        }
        let candidates = layouts
            .iter()
            .flat_map(|layout| module.gofunc.iter().map(|&base| Self { base, ..*layout }));
        candidates.into_iter().find(|trees| {
            samples
                .iter()
                .all(|function| trees.makes_sense(executable, function))
        })
    }

    /// What FUNCDATA offsets are relative to.
    pub fn base(&self) -> u64 {
        self.base
    }

    fn makes_sense(&self, executable: &Executable, function: &Function<'_>) -> bool {
        let Some(tree) = self.tree(executable, function) else {
            return false;
        };
        function
            .runs(tree.runs)
            .take(TRIALS)
            .filter_map(|run| u32::try_from(run.value).ok())
            .all(|number| {
                self.node(executable, &tree, number)
                    .is_some_and(|node| executable.table.is_name(&executable.image, node.name))
            })
    }

    /// Where a table of a function's FUNCDATA is.
    pub fn funcdata(
        &self,
        executable: &Executable,
        function: &Function<'_>,
        table: u8,
    ) -> Option<u64> {
        let (pclntab, image) = (&executable.table, &executable.image);
        let offset = pclntab.funcdata(image, &function.record, table)?;
        self.base.checked_add(u64::from(offset))
    }

    fn tree(&self, executable: &Executable, function: &Function<'_>) -> Option<Tree> {
        let (table, image) = (&executable.table, &executable.image);
        let address = self.funcdata(executable, function, FUNCDATA_INLINE_TREE)?;
        let runs = table.pcdata(image, &function.record, PCDATA_INLINE_INDEX)?;
        Some(Tree {
            address,
            function_size: function.size(),
            runs,
        })
    }

    fn node(&self, executable: &Executable, tree: &Tree, number: u32) -> Option<Node> {
        let at = tree
            .address
            .checked_add(u64::from(number).checked_mul(self.size)?)?;
        let entry = executable
            .image
            .bytes(at, usize::try_from(self.size).ok()?)?;
        let word = |at: usize| {
            entry
                .get(at..at + 4)?
                .try_into()
                .ok()
                .map(u32::from_le_bytes)
        };
        let (name, parent_pc) = (word(self.name)?, word(self.parent_pc)?);
        let start_line = self
            .start_line
            .and_then(word)
            .filter(|line| line.cast_signed() > 0);
        (u64::from(parent_pc) < tree.function_size).then_some(Node {
            name,
            parent_pc,
            start_line,
        })
    }
}
