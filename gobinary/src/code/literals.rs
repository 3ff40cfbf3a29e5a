//! Which functions are copies of one function literal.
//!
//! A literal of an inlined function is compiled again in each function that it was inlined into (see `literal.rs`), and a call of it may be
//! one of any copy. What they share is where the literal stands: the file and the line. Where several literals stand on one line, names
//! tell in what they are written, and equal code tells which is which.

use std::collections::{HashMap, HashSet};

use iced_x86::{Instruction as Decoded, OpKind};
use rayon::prelude::*;

use crate::Executable;
use crate::code::body::Body;
use crate::tables::function::Function;
use crate::tables::literal::{self, LiteralName};

/// The copies of function literals in an executable.
#[derive(Debug, Default)]
pub struct Literals {
    copies: Vec<LiteralCopy>,
    /// Names under which copies were inlined, by the index of the literal.
    inlined: HashMap<u32, Vec<String>>,
}

/// A literal that was compiled again where the function that it is written in was inlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralCopy {
    /// Its index in the function table.
    pub function: u32,
    /// What it is a copy of. More than one where several literals on one line have the same code, or where a generic function has
    /// several instances.
    pub of: Vec<Original>,
}

/// A literal of which there are copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its index in the function table.
    pub function: u32,
    /// Where it is another instance's than the copy: what it would be called in the copy's.
    pub name: Option<String>,
}

impl Literals {
    /// All copies that have code of their own, by ascending index, and what they are copies of.
    #[must_use]
    pub fn copies(&self) -> &[LiteralCopy] {
        &self.copies
    }

    /// Finds all copies.
    pub(crate) fn new(executable: &Executable) -> Self {
        let literals: Vec<Literal<'_>> = (0..executable.table.len())
            .into_par_iter()
            .filter_map(|index| Literal::new(executable.function(index)?))
            .collect();
        let writers = Writers::new(executable);
        let mut places: HashMap<(&str, u32), Vec<&Literal<'_>>> = HashMap::new();
        for literal in &literals {
            places
                .entry((literal.file, literal.line))
                .or_default()
                .push(literal);
        }
        let mut copies: Vec<LiteralCopy> = places
            .par_iter()
            .filter(|(_, here)| here.len() > 1)
            .flat_map_iter(|(_, here)| copies_at(executable, &writers, here))
            .collect();
        copies.sort_unstable_by_key(|copy| copy.function);
        let inlined = inlined_copies(executable, &writers, &literals);
        Self { copies, inlined }
    }
}

impl Executable {
    /// The places into which a function was inlined, also as a copy of the literal that it is.
    #[must_use]
    pub fn inlined_places(&self, function: &Function<'_>) -> Vec<crate::InlinedAt> {
        let mut places = self.inlined().places(function.name).to_vec();
        if LiteralName::parse(function.name).is_some() {
            let copies = self.literals().inlined.get(&function.index);
            for name in copies.into_iter().flatten() {
                places.extend(self.inlined().places(name));
            }
        }
        places
    }

    /// The literals that a name which no function has may mean: copies whose names say that they are written in the function that this one
    /// names. That function was inlined wherever it is called, so its own literals are not there.
    #[must_use]
    pub fn literals_written_in(&self, name: &str) -> Vec<Function<'_>> {
        let Some(wanted) = LiteralName::parse(name) else {
            return Vec::new();
        };
        self.functions()
            .filter(|function| {
                LiteralName::parse(function.name).is_some_and(|literal| {
                    literal.path == wanted.path
                        && literal.functions.len() > wanted.functions.len()
                        && literal::are_instances(
                            &wanted.functions,
                            literal.last(&wanted.functions),
                        )
                })
            })
            .collect()
    }

    /// The name of a literal as it would be if its instance of a generic function did not only hold the code of its shape:
    /// `main.Map[go.shape.int].func1` of `main.Map[int].Map[go.shape.int].func1`.
    #[must_use]
    pub fn literal_of_shape(name: &str) -> Option<String> {
        let literal = LiteralName::parse(name)?;
        let written_in = literal.written_in();
        let outer = literal
            .functions
            .get(..literal.functions.len() - written_in.len())?;
        let skipped: usize = outer.iter().map(|element| element.len() + 1).sum();
        let rest = name.get(literal.package.len() + 1 + skipped..)?;
        (skipped > 0).then(|| format!("{}.{rest}", literal.package))
    }
}

/// A literal and where it stands.
struct Literal<'a> {
    function: Function<'a>,
    name: LiteralName<'a>,
    file: &'a str,
    line: u32,
}

impl<'a> Literal<'a> {
    fn new(function: Function<'a>) -> Option<Self> {
        let name = LiteralName::parse(function.name)?;
        Some(Self {
            file: function.source_file()?,
            line: first_line(&function)?,
            name,
            function,
        })
    }

    /// Is it what `other` may be a copy of, as far as the names tell?
    fn may_be_copied_as(&self, other: &LiteralName<'_>) -> bool {
        !self.function.executable.table.is_modern()
            || self.name.path == other.path
                && literal::are_instances(
                    self.name.written_in(),
                    other.last(self.name.written_in()),
                )
    }

    fn as_original_of(&self, copy: &LiteralName<'_>) -> Original {
        let written_in = self.name.written_in();
        let instance = copy.last(written_in);
        let is_other = self.function.executable.table.is_modern() && instance != written_in;
        Original {
            function: self.function.index,
            name: is_other.then(|| {
                let own = self.name.own(self.function.name);
                format!("{}.{}{own}", self.name.package, instance.join("."))
            }),
        }
    }
}

fn first_line(function: &Function<'_>) -> Option<u32> {
    let position = || function.executable.position(function.entry);
    function
        .start_line
        .or_else(|| position().map(|position| position.line))
}

/// What tells the function that a literal is written in from one that it was copied into.
struct Writers<'a> {
    names: HashSet<&'a str>,
    /// Where functions begin that are no literals; only where names do not tell.
    starts: HashMap<&'a str, Vec<u32>>,
    by_name: HashMap<&'a str, (&'a str, u32)>,
}

impl<'a> Writers<'a> {
    fn new(executable: &'a Executable) -> Self {
        let names = executable.functions().map(|function| function.name);
        let mut this = Self {
            names: names.collect(),
            starts: HashMap::new(),
            by_name: HashMap::new(),
        };
        if executable.table.is_modern() {
            return this;
        }
        for function in executable.functions() {
            if LiteralName::parse(function.name).is_none()
                && let (Some(file), Some(line)) = (function.source_file(), first_line(&function))
            {
                this.starts.entry(file).or_default().push(line);
                this.by_name.insert(function.name, (file, line));
            }
        }
        for lines in this.starts.values_mut() {
            lines.sort_unstable();
        }
        this
    }

    /// Is the literal named after the function that it is written in?
    fn is_original(&self, literal: &Literal<'_>) -> bool {
        let executable = literal.function.executable;
        if executable.table.is_modern() {
            return self.names_one_function(executable, &literal.name);
        }
        let functions: usize = literal.name.functions.iter().map(|f| f.len() + 1).sum();
        let holder = literal
            .function
            .name
            .get(..literal.name.package.len() + functions);
        let Some((file, start)) = holder.and_then(|holder| self.by_name.get(holder)) else {
            return true;
        };
        let between = |line: &u32| (start + 1..=literal.line).contains(line);
        *file == literal.file
            && *start <= literal.line
            && !self
                .starts
                .get(file)
                .is_some_and(|starts| starts.iter().any(between))
    }

    /// A function, a method of a type, or an instance around its shape.
    fn names_one_function(&self, executable: &Executable, name: &LiteralName<'_>) -> bool {
        let is_method = |receiver: &str| {
            let function = format!("{}.{receiver}", name.package);
            receiver.starts_with("(*")
                || !self.names.contains(function.as_str())
                    && !executable.inlined().contains(&function)
        };
        !name.renamed
            && match name.written_in() {
                [_] => true,
                [receiver, _] => is_method(receiver),
                _ => false,
            }
    }
}

/// The copies among the literals of one line.
fn copies_at<'a>(
    executable: &Executable,
    writers: &Writers<'_>,
    here: &[&Literal<'a>],
) -> Vec<LiteralCopy> {
    let (originals, copies): (Vec<&Literal<'a>>, Vec<&Literal<'a>>) = here
        .iter()
        .partition(|literal| writers.is_original(literal));
    let mut found = Vec::with_capacity(copies.len());
    for copy in copies {
        let mut of: Vec<&Literal<'_>> = originals
            .iter()
            .filter(|original| original.may_be_copied_as(&copy.name))
            .copied()
            .collect();
        let same_instance = |original: &&Literal<'_>| {
            let written_in = original.name.written_in();
            copy.name.last(written_in) == written_in
        };
        if of.iter().any(same_instance) {
            of.retain(same_instance);
        }
        let own = |literal: &Literal<'a>| literal.name.own(literal.function.name);
        if of.iter().any(|other| own(other) != own(of[0])) {
            of = with_the_code_of(executable, copy, of);
        }
        let of: Vec<Original> = of
            .iter()
            .map(|literal| literal.as_original_of(&copy.name))
            .collect();
        if !of.is_empty() {
            found.push(LiteralCopy {
                function: copy.function.index,
                of,
            });
        }
    }
    found
}

/// Those that have the code of a copy; where there is none, those whose code differs only in the addresses of data, as that of literals
/// inside of them is another; else all.
fn with_the_code_of<'l, 'a>(
    executable: &Executable,
    copy: &Literal<'_>,
    of: Vec<&'l Literal<'a>>,
) -> Vec<&'l Literal<'a>> {
    for with_data in [true, false] {
        let wanted = code(executable, &copy.function, with_data);
        let same = |original: &&&Literal<'_>| {
            wanted.is_some() && code(executable, &original.function, with_data) == wanted
        };
        let same: Vec<_> = of.iter().filter(same).copied().collect();
        if !same.is_empty() {
            return same;
        }
    }
    of
}

/// A function's instructions as if it began at address 0.
fn code(executable: &Executable, function: &Function<'_>, with_data: bool) -> Option<Vec<Decoded>> {
    let mut instructions = Body::decode(executable, function).ok()?.instructions;
    for instruction in &mut instructions {
        let target = instruction.near_branch_target();
        if instruction.op0_kind() == OpKind::NearBranch64
            && (function.entry..function.end).contains(&target)
        {
            instruction.set_near_branch64(target - function.entry);
        }
        if !with_data && instruction.is_ip_rel_memory_operand() {
            instruction.set_memory_displacement64(0);
        }
        instruction.set_ip(0);
    }
    Some(instructions)
}

/// Names of copies that were inlined themselves and have no code of their own, by the literal's index. Before Go 1.20 nothing tells.
fn inlined_copies(
    executable: &Executable,
    writers: &Writers<'_>,
    literals: &[Literal<'_>],
) -> HashMap<u32, Vec<String>> {
    let inlined = executable.inlined();
    let mut originals: HashMap<u32, Vec<&Literal<'_>>> = HashMap::new();
    let mut found: HashMap<u32, Vec<String>> = HashMap::new();
    if !executable.table.is_modern() {
        return found;
    }
    for literal in literals
        .iter()
        .filter(|literal| writers.is_original(literal))
    {
        originals.entry(literal.line).or_default().push(literal);
    }
    for name in inlined.names().filter(|name| !writers.names.contains(name)) {
        let Some(copy) = LiteralName::parse(name) else {
            continue;
        };
        let line = inlined.start_line(name);
        let here = line.and_then(|line| originals.get(&line));
        for original in here.into_iter().flatten() {
            // In one package only one function has this name; from another, it has to be written in the same file.
            let is_here = |place: &crate::InlinedAt| {
                let position = executable.position(place.code);
                position.is_some_and(|position| position.file == original.file)
            };
            if original.may_be_copied_as(&copy)
                && (original.name.package == copy.package
                    || inlined.places(name).iter().any(is_here))
            {
                let names = found.entry(original.function.index).or_default();
                names.push(name.to_owned());
            }
        }
    }
    found
}
