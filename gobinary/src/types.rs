//! Types of values, and where values lie, from DWARF and Go's calling convention.
//!
//! DWARF is in the file unless it was stripped or built with `-ldflags=-w`. It is read for the functions and types asked for; only
//! compressed sections are decompressed as a whole, once for an executable.
//!
//! In: a function of `tables`, its code where DWARF says less. Out: its parameters, results and captured variables, with types and places.
//!
//! *Invariant*: what is not described is said to be so, never guessed.

mod abi;
mod arginfo;
mod captured;
mod convention;
pub(crate) mod debugfile;
mod described;
mod graph;
mod left_out;
mod listed;
mod location;
mod model;
mod place;
mod sections;
mod signature;
mod solve;
mod spelling;
mod text;
mod units;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gimli::{EndianSlice, LittleEndian};
use rayon::prelude::*;

use crate::{Executable, Function};

pub use debugfile::{DebugFileError, DebugLink};
pub use described::Described;
pub use model::{Field, Kind, Type, TypeId, short_name};
pub use place::{Piece, Place, Register, Where};
pub(crate) use sections::Sections;
pub use signature::{Signature, Variable};

/// Types that are looked at to tell the right base of addresses from a wrong one.
const TRIALS: usize = 256;

pub(crate) type Slice<'e> = EndianSlice<'e, LittleEndian>;
pub(crate) type Dwarf<'e> = gimli::Dwarf<Slice<'e>>;

/// Why types, or where values lie, cannot be told. Displayed as a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypesError {
    /// The file has none.
    #[error("the executable has no DWARF (it was stripped, or built with -ldflags=-w or -s)")]
    NoDwarf,
    /// What was built with `-linkshared` has none: the go command links it with `-w` (`cmd/go/internal/work/init.go`).
    #[error("the executable has no DWARF: the go command leaves it out with -linkshared")]
    LinkedShared,
    /// It is in a file that is not at hand.
    #[error("its debug information is in a separate file: {0}")]
    Separate(String),
    /// It contradicts itself, or is cut off.
    #[error("the DWARF is damaged: {0}")]
    Damaged(String),
    /// DWARF has nothing at the function's address.
    #[error("the DWARF does not describe it")]
    NotDescribed,
    /// Assembly has no types.
    #[error("it is written in assembly, whose arguments have no types")]
    Assembly,
    /// Whether its arguments come in registers or on the stack.
    #[error("it is not certain how it is called: {0}")]
    Contradiction(String),
    /// It shares its name with what it calls.
    #[error("it only passes on from one calling convention to another")]
    AbiWrapper,
    /// A type is made of too many others.
    #[error("a type is nested too deeply")]
    TooDeep,
    /// The size of a type is known, but not what is in it.
    #[error("how {0} is laid out is not described")]
    UnknownLayout(String),
}

impl TypesError {
    fn damaged(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }
}

impl From<gimli::Error> for TypesError {
    fn from(error: gimli::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// The types of an executable and the signatures of its functions. Keep it: what was read once is remembered.
pub struct Types<'e> {
    executable: &'e Executable,
    dwarf: Dwarf<'e>,
    units: units::Units<'e>,
    read: Mutex<HashMap<TypeId, Result<Arc<Type>, TypesError>>>,
    runtime: OnceLock<RuntimeTypes<'e>>,
    /// What the offsets of tables for tracebacks are relative to.
    argument_tables: OnceLock<Option<u64>>,
    /// Entries of functions whose symbols say that their arguments are on the stack, ascending.
    marked: OnceLock<Vec<u64>>,
    loop_bodies: OnceLock<left_out::LoopBodies<'e>>,
}

/// The types that the runtime describes, by address and by name. The linker puts all types into a unit of the runtime.
#[derive(Default)]
struct RuntimeTypes<'e> {
    by_name: HashMap<&'e [u8], TypeId>,
    /// By what DWARF has for an address.
    by_mark: HashMap<u64, TypeId>,
    /// What has to be added to that.
    base: Option<u64>,
    /// The names, by what is seen of them.
    by_spelling: OnceLock<HashMap<String, Vec<&'e str>>>,
    /// Names without folders of packages that several types would have.
    shared: OnceLock<HashSet<&'e str>>,
}

impl<'e> RuntimeTypes<'e> {
    fn shared(&self) -> HashSet<&'e str> {
        let mut known: HashMap<&str, &str> = HashMap::new();
        let mut shared = HashSet::new();
        let names = self.by_name.keys();
        for name in names.filter_map(|name| std::str::from_utf8(name).ok()) {
            // Every type that has a name is among them by itself.
            let name = words(name).next().unwrap_or_default();
            let short = last_element(name);
            if *known.entry(short).or_insert(name) != name {
                shared.insert(short);
            }
        }
        shared
    }
}

/// The names that the name of a type is made of: `map`, `string` and `net/http.Header` of `map[string]net/http.Header`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    // Inside maps, the linker's own types are written with angle brackets: `bucket<net/netip.Addr,int>`.
    name.split([
        '[', ']', '(', ')', '{', '}', '<', '>', '*', ' ', ',', ';', '"',
    ])
}

/// `http.Header` of `net/http.Header`.
fn last_element(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl Executable {
    /// The types that DWARF describes.
    ///
    /// # Errors
    ///
    /// When there is no DWARF, or it cannot be read at all.
    pub fn types(&self) -> Result<Types<'_>, TypesError> {
        let sections = self
            .sections
            .get_or_init(|| {
                Sections::load(self.debug_data()).map_err(|error| match error {
                    TypesError::NoDwarf => self.no_dwarf(),
                    error => error,
                })
            })
            .as_ref()
            .map_err(Clone::clone)?;
        let dwarf = sections.dwarf(self.debug_data());
        let units = units::Units::new(&dwarf)?;
        Ok(Types {
            executable: self,
            dwarf,
            units,
            read: Mutex::default(),
            runtime: OnceLock::new(),
            argument_tables: OnceLock::new(),
            marked: OnceLock::new(),
            loop_bodies: OnceLock::new(),
        })
    }
}

impl<'e> Types<'e> {
    /// A type.
    ///
    /// # Errors
    ///
    /// When its entry is damaged.
    pub fn get(&self, id: TypeId) -> Result<Arc<Type>, TypesError> {
        let known = |types: &Self| {
            let read = types.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.get(&id).cloned()
        };
        if let Some(known) = known(self) {
            return known;
        }
        let ty = self.read_type(id).map(Arc::new);
        self.read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, ty.clone());
        ty
    }

    /// The alignment of a type's values, in bytes.
    ///
    /// # Errors
    ///
    /// When a type in it is damaged or unknown.
    pub fn alignment(&self, id: TypeId) -> Result<u64, TypesError> {
        self.layout(id).map(|layout| layout.align)
    }

    /// The type of this name, with its full package path: `net/http.Request`, `*main.T`, `int`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<TypeId> {
        self.runtime_types().by_name.get(name.as_bytes()).copied()
    }

    /// The full names of the types that are meant by a name as it is shown or written: without folders of packages, packages of fields and
    /// methods, and numbers of local types. More than one where it could be several.
    #[must_use]
    pub fn spelt(&self, written: &str) -> Vec<&'e str> {
        let types = self.runtime_types();
        let known = types.by_spelling.get_or_init(|| {
            let mut known: HashMap<String, Vec<&'e str>> = HashMap::new();
            let names = types.by_name.keys();
            for name in names.filter_map(|name| std::str::from_utf8(name).ok()) {
                known.entry(spelling::short(name)).or_default().push(name);
            }
            known
        });
        let found = known.get(&spelling::short(written));
        let mut found = found.cloned().unwrap_or_default();
        let plain = spelling::plain(written);
        if found.iter().any(|name| spelling::plain(name) == plain) {
            found.retain(|name| spelling::plain(name) == plain);
        }
        found.sort_unstable();
        found
    }

    /// A type's name as it is shown: without folders of packages, where each type in it is known by its name and that of its package.
    #[must_use]
    pub fn shown(&self, name: &str) -> String {
        let mut in_folders = words(name).filter(|word| word.contains('/')).peekable();
        if in_folders.peek().is_none() {
            return name.to_owned();
        }
        let types = self.runtime_types();
        let shared = types.shared.get_or_init(|| types.shared());
        if in_folders.any(|word| shared.contains(last_element(word))) {
            return name.replace("%2e", ".");
        }
        short_name(name)
    }

    /// Whether a type's name, without folders of packages and numbers of local types, would be that of another one too, or one in it would.
    #[must_use]
    pub fn is_written_alike(&self, name: &str) -> bool {
        let alike = |part: &str| {
            let meant = self.spelt(&spelling::short(part));
            !meant.is_empty() && meant != [part]
        };
        let parts = words(name).filter(|word| word.contains(['/', '·']));
        alike(name) || parts.into_iter().any(alike)
    }

    /// The names of all types, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.runtime_types().by_name.keys();
        names.filter_map(|name| std::str::from_utf8(name).ok())
    }

    /// The type that the runtime describes at a link-time address: what an interface's type word points to.
    #[must_use]
    pub fn at_runtime_address(&self, address: u64) -> Option<TypeId> {
        let types = self.runtime_types();
        let mark = address.checked_sub(types.base?)?;
        if let Some(id) = types.by_mark.get(&mark) {
            return Some(*id);
        }
        // Of uintptr there is the address itself, before Go 1.27 at least. Of others such a number is an offset.
        let id = *types.by_mark.get(&address)?;
        let ty = self.get(id).ok()?;
        (ty.name == "uintptr").then_some(id)
    }

    /// The type that a word of a generic function's dictionary refers to; the dictionary is at a link-time address.
    #[must_use]
    pub fn in_dictionary(&self, dictionary: u64, entry: u64) -> Option<TypeId> {
        let word = dictionary.checked_add(entry.checked_mul(8)?)?;
        self.at_runtime_address(self.executable.image.pointer(word)?)
    }

    /// The link-time address of the runtime's description of a type (`internal/abi.Type`), where the executable has one: what the type
    /// word of an `any` that holds such a value points to.
    #[must_use]
    pub fn runtime_address(&self, ty: &Type) -> Option<u64> {
        let mark = ty.mark?;
        let addresses = [self.runtime_types().base?.checked_add(mark)?, mark];
        addresses
            .into_iter()
            .find(|&address| self.executable.image.u64(address) == Some(ty.size))
    }

    /// Indexes the units of these functions now, on all processors, instead of one after another as they are asked for.
    pub fn prepare(&self, functions: &[Function<'_>]) {
        let mut units: Vec<usize> = functions
            .iter()
            .filter_map(|function| self.units.holding(&self.dwarf, function.entry))
            .collect();
        units.sort_unstable();
        units.dedup();
        units.par_iter().for_each(|&unit| {
            self.units.functions(&self.dwarf, unit);
        });
    }

    fn runtime_types(&self) -> &RuntimeTypes<'e> {
        self.runtime.get_or_init(|| {
            let mut found = RuntimeTypes::default();
            for unit in self.units.named(&self.dwarf, b"runtime") {
                // What precedes damage can be used.
                let _ = self.index_types(unit, &mut found);
            }
            found.base = self.runtime_base(&found);
            found
        })
    }

    /// DWARF has offsets, from where depends on how the executable was linked. The right base is the one under which the runtime says the
    /// same sizes as DWARF.
    fn runtime_base(&self, found: &RuntimeTypes<'e>) -> Option<u64> {
        let image = &self.executable.image;
        let step = (found.by_mark.len() / TRIALS).max(1);
        let samples: Vec<(u64, u64)> = found
            .by_mark
            .iter()
            .step_by(step)
            .filter_map(|(&mark, &id)| Some((mark, self.get(id).ok()?.size)))
            .collect();
        let sections = image.sections().iter().map(|section| section.address);
        let module = self.executable.module.as_ref();
        let mut bases = module.into_iter().flat_map(|m| m.types.iter().copied());
        let fits = |base: &u64| {
            let agree = |&(mark, size): &(u64, u64)| {
                base.checked_add(mark).and_then(|at| image.u64(at)) == Some(size)
            };
            let agreeing = samples.iter().filter(|sample| agree(sample)).count();
            agreeing > 0 && agreeing * 10 >= samples.len() * 9
        };
        bases
            .find(fits)
            .or_else(|| sections.chain([0]).find(|base| fits(base)))
    }

    fn index_types(&self, number: usize, found: &mut RuntimeTypes<'e>) -> Result<(), TypesError> {
        let Some(unit) = self.units.get(&self.dwarf, number) else {
            return Ok(());
        };
        let start = self.units.start(number);
        let mut entries = unit.entries_raw(None)?;
        while !entries.is_empty() {
            let (offset, depth) = (entries.next_offset(), entries.next_depth());
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            let is_type = depth == 1
                && matches!(
                    abbreviation.tag(),
                    gimli::DW_TAG_base_type
                        | gimli::DW_TAG_structure_type
                        | gimli::DW_TAG_pointer_type
                        | gimli::DW_TAG_array_type
                        | gimli::DW_TAG_subroutine_type
                        | gimli::DW_TAG_typedef
                );
            if !is_type {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            let id = TypeId(start.saturating_add(offset.0 as u64));
            for &specification in abbreviation.attributes() {
                let attribute = entries.read_attribute(specification)?;
                match attribute.name() {
                    gimli::DW_AT_name => {
                        if let Ok(name) = unit.attr_string(attribute.value()) {
                            found.by_name.insert(name.slice(), id);
                        }
                    }
                    graph::GO_RUNTIME_TYPE => {
                        if let Ok(Some(mark)) = unit.attr_address(attribute.value())
                            && mark != 0
                        {
                            found.by_mark.insert(mark, id);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Types<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Types")
            .field("units", &self.units.len())
            .finish_non_exhaustive()
    }
}
