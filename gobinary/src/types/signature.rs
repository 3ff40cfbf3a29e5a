//! A function's parameters, results and captured variables, with where each lies.

use super::abi::Convention;
use super::abi::{Class, Layout};
use super::arginfo::{self, ArgInfo, Argument};
use super::convention;
use super::listed::Item;
use super::location;
use super::model::{Kind, TypeId};
use super::place::{Place, Where};
use super::solve::{self, Known, Question};
use super::units::Entry;
use super::{Types, TypesError};
use crate::Function;

/// What a function takes and gives back.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The receiver, if it is a method, and the parameters, in order. A place holds at the function's entry site: from the first
    /// instruction to the one after the stack check.
    pub parameters: Vec<Variable>,
    /// The results, in order. A place holds at each `ret`, where the stack is as at the first instruction.
    pub results: Vec<Variable>,
    /// DWARF leaves out results, or may do so, and `results` is empty: where one is depends on those before it. So it is with a function that
    /// returns from inside a loop over a function.
    pub results_left_out: bool,
    /// What a closure captured, by ascending offset; before Go 1.23 only what its code shows. A place holds at the entry site.
    pub captured: Vec<Variable>,
    /// Is the first parameter a receiver?
    pub method: bool,
    /// In generic code: where the address of the dictionary is at the entry site.
    pub dictionary: Option<Place>,
}

/// A parameter, result or captured variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// The name, if it has one.
    pub name: Option<String>,
    /// The type; in generic code perhaps a shape that several types share.
    pub ty: TypeId,
    /// Where the value is.
    pub place: Place,
    /// The place holds the value's address instead: a variable that a closure shares with the function that declares it.
    pub by_reference: bool,
    /// In generic code: which word of the dictionary is the address of the runtime's description of the type.
    pub dictionary_index: Option<u64>,
    die: Entry,
    cfa: bool,
    /// Where it would be saved on the stack.
    home: Option<i64>,
}

impl Signature {
    /// The parameter of this name, or else the captured variable.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Variable> {
        self.parameters
            .iter()
            .chain(&self.captured)
            .find(|variable| variable.name.as_deref() == Some(name))
    }

    /// The result of this name.
    #[must_use]
    pub fn result(&self, name: &str) -> Option<&Variable> {
        self.results
            .iter()
            .find(|variable| variable.name.as_deref() == Some(name))
    }
}

impl<'e> Types<'e> {
    /// What a function takes and gives back, and where.
    ///
    /// # Errors
    ///
    /// When DWARF does not describe the function, or is damaged there.
    pub fn signature(&self, function: &Function<'_>) -> Result<Signature, TypesError> {
        if function.is_abi_wrapper() {
            return Err(TypesError::AbiWrapper);
        }
        if function.is_assembly() {
            return Err(TypesError::Assembly);
        }
        let entry = self
            .units
            .function(&self.dwarf, function.entry)
            .ok_or(TypesError::NotDescribed)?;
        let mut listed = self.listed(entry, function.entry)?;
        let results_left_out = self.leaves_out_results(function, &listed)?;
        if results_left_out {
            listed.results.clear();
        }
        let marked = self
            .marked
            .get_or_init(|| convention::marked(self.executable));
        let convention = convention::of(function, &listed, marked)?;
        let generic = Generic::of(&listed.name);
        let method = is_method(&listed.name);
        let mut captured = Vec::new();
        if self.minor() < 23 && is_literal(&listed.name) {
            for (item, offset) in self.captured_by_code(&listed, function)? {
                captured.push((self.captured(item, offset)?, offset));
            }
        }
        let parameters = listed.parameters;
        // Go 1.27 lists the dictionary, and unoptimised code of earlier versions does.
        let at = parameters.iter().position(|item| item.name == ".dict");
        let solved = self.places(
            function,
            convention,
            &parameters,
            &listed.results,
            generic,
            at.is_some(),
        );
        let mut dictionary = solved.as_ref().ok().and_then(|s| s.dictionary.clone());
        let (places, homes, results) = match solved {
            Ok(solved) => (solved.parameters, solved.homes, solved.results),
            Err(_) => Default::default(),
        };
        let variables = |items: Vec<Item>, places: Vec<Place>, homes: Vec<Option<i64>>| {
            let (mut places, mut homes) = (places.into_iter(), homes.into_iter());
            items
                .into_iter()
                .map(|item| {
                    let place = places.next().unwrap_or_else(|| self.unknown(item.ty));
                    Variable {
                        home: homes.next().flatten(),
                        ..variable(item, place)
                    }
                })
                .collect::<Vec<_>>()
        };
        let mut parameters = variables(parameters, places, homes);
        if let Some(at) = at {
            dictionary = Some(parameters.remove(at).place);
        }
        for (item, offset) in listed.captured {
            captured.push((self.captured(item, offset)?, offset));
        }
        // The compiler's own variables have no name.
        captured.retain(|(variable, _): &(Variable, u64)| variable.name.is_some());
        captured.sort_by_key(|&(_, offset)| offset);
        let mut results = variables(listed.results, results, Vec::new());
        results.retain(|result| !self.is_void(result.ty));
        Ok(Signature {
            method: method && !parameters.is_empty(),
            parameters,
            results,
            results_left_out,
            captured: captured.into_iter().map(|(variable, _)| variable).collect(),
            dictionary,
        })
    }

    /// Where a variable is at an address of its function, as DWARF has it; `None` where it is silent. Of one that is captured by
    /// reference, where its address is.
    ///
    /// # Errors
    ///
    /// When DWARF is damaged there.
    pub fn locate(&self, variable: &Variable, address: u64) -> Result<Option<Place>, TypesError> {
        let at = self.entry(variable.die.unit, variable.die.offset)?;
        let layout = if variable.by_reference {
            Layout::word(Class::General, 8)
        } else {
            self.layout(variable.ty)?
        };
        let said = location::at(&at, address, &layout, variable.cfa)?;
        Ok(said.map(|said| match said.somewhere {
            // All of it, where it is saved; anywhere else that is not certain.
            Some(Where::Stack(slot)) if variable.home == Some(slot) => {
                Place::whole(Where::Stack(slot), layout.size)
            }
            _ => said.place,
        }))
    }

    /// Where the arguments are at entry that a function of assembly has on the stack, part by part, as far as the table for tracebacks has
    /// them, and whether that is all; `None` where it has none. Their types are not known.
    #[must_use]
    pub fn untyped_arguments(&self, function: &Function<'_>) -> Option<(Vec<Place>, bool)> {
        if !function.is_assembly() {
            return None;
        }
        let info = self.argument_table(function)?;
        let cut = |argument: &Argument| argument.cut;
        let whole = !info.more && !info.arguments.iter().any(cut);
        let parts = info.arguments.iter().flat_map(|argument| &argument.parts);
        let place = |&(offset, size): &(u64, u64)| {
            let above = i64::try_from(offset).ok()?.checked_add(8)?;
            Some(Place::whole(Where::Stack(above), size))
        };
        Some((parts.map(place).collect::<Option<_>>()?, whole))
    }

    fn argument_table(&self, function: &Function<'_>) -> Option<ArgInfo> {
        let base = self
            .argument_tables
            .get_or_init(|| arginfo::base(self.executable));
        ArgInfo::read(self.executable, (*base)?, function)
    }

    fn places(
        &self,
        function: &Function<'_>,
        convention: Convention,
        parameters: &[Item],
        results: &[Item],
        generic: Generic,
        has_dictionary: bool,
    ) -> Result<solve::Answer, TypesError> {
        fn layout(item: &Item) -> Result<&Layout, TypesError> {
            item.layout.as_ref().map_err(Clone::clone)
        }
        let parameters = parameters.iter().map(|item| {
            Ok(Known {
                layout: layout(item)?,
                evidence: item.entry.as_ref(),
            })
        });
        let parameters = parameters.collect::<Result<Vec<_>, TypesError>>()?;
        let results = results.iter().map(|item| Ok((layout(item)?, item.slot)));
        let results = results.collect::<Result<Vec<_>, TypesError>>()?;
        let minor = self.minor();
        let dictionary = match generic {
            Generic::No => None,
            _ if has_dictionary => None,
            Generic::Function => Some(0),
            // Go 1.18 and 1.19 turned methods into functions before they added the dictionary.
            Generic::Method => Some(usize::from(minor >= 20)),
        };
        let arguments = self.argument_table(function);
        Ok(solve::solve(&Question {
            convention,
            parameters,
            results,
            dictionary,
            arguments: arguments.as_ref(),
            skips_first: function.name.contains('['),
            unlisted: minor < 22 || minor == u16::MAX,
            wrapper: function.is_wrapper(),
        }))
    }

    /// Of the Go that built it; the greatest where that is not known.
    pub(super) fn minor(&self) -> u16 {
        let version = self.executable.go_version();
        version.map_or(u16::MAX, |version| version.minor)
    }

    fn captured(&self, item: Item, offset: u64) -> Result<Variable, TypesError> {
        let size = self.get(item.ty)?.size;
        let mut variable = variable(item, Place::whole(Where::Closure(offset), size));
        let shared = variable
            .name
            .as_deref()
            .and_then(|name| name.strip_prefix('&'))
            .map(str::to_owned);
        if let Some(name) = shared
            && let Kind::Pointer { target } = self.get(variable.ty)?.kind
        {
            variable.name = Some(name);
            variable.ty = target;
            variable.by_reference = true;
        }
        Ok(variable)
    }

    /// Does cgo say with this type that a function of C returns nothing?
    fn is_void(&self, ty: TypeId) -> bool {
        self.get(ty)
            .is_ok_and(|ty| ty.name.ends_with("._Ctype_void"))
    }

    fn unknown(&self, ty: TypeId) -> Place {
        let size = self.get(ty).map_or(0, |ty| ty.size);
        Place::whole(Where::Absent, size)
    }
}

fn variable(item: Item, place: Place) -> Variable {
    Variable {
        // The compiler's own names: ~r0, ~b0, ~p0, #rv1.
        name: Some(item.name)
            .filter(|name| !name.is_empty() && name != "_" && !name.starts_with(['~', '.', '#'])),
        ty: item.ty,
        place,
        by_reference: false,
        dictionary_index: item.dictionary_index,
        die: item.die,
        cfa: item.cfa,
        home: None,
    }
}

/// Which kind of code that several types share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generic {
    No,
    Function,
    Method,
}

impl Generic {
    /// By the symbol name: the type arguments of shared code are shapes. Closures find the dictionary in what they captured.
    fn of(name: &str) -> Self {
        let Some((before, rest)) = name.rsplit_once(']') else {
            return Self::No;
        };
        let Some((_, arguments)) = before.split_once('[') else {
            return Self::No;
        };
        if !arguments.contains("go.shape.") {
            return Self::No;
        }
        let method = rest.strip_prefix(')').unwrap_or(rest).strip_prefix('.');
        match method {
            None if rest.is_empty() => Self::Function,
            Some(method) if is_plain(method) && !is_closure(method) => Self::Method,
            _ => Self::No,
        }
    }
}

fn is_plain(word: &str) -> bool {
    !word.starts_with(|c: char| c.is_ascii_digit())
        && !word.is_empty()
        && word.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The compiler's names for function literals and the like: `func1`, `gowrap2`, `deferwrap1`.
fn is_closure(word: &str) -> bool {
    ["func", "gowrap", "deferwrap"].iter().any(|prefix| {
        word.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// `pkg.f.func1`, `pkg.f.func1.2`
fn is_literal(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    is_closure(last) || last.bytes().all(|b| b.is_ascii_digit())
}

/// `pkg.(*T).Method`, `pkg.T.Method`, not `pkg.f.func1`.
fn is_method(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    // Brackets may hold dots.
    let mut depth = 0_i32;
    let mut words = vec![String::new()];
    for c in name.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            '.' if depth <= 0 => words.push(String::new()),
            c if depth <= 0 => words.iter_mut().last().into_iter().for_each(|w| w.push(c)),
            _ => {}
        }
    }
    match words.as_slice() {
        [_, receiver, method] => {
            let receiver = receiver.trim_start_matches("(*").trim_end_matches(')');
            is_plain(receiver) && is_plain(method) && !is_closure(method) && !is_closure(receiver)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_generic_code() {
        for (name, generic) in [
            (
                "main.Map[go.shape.int_0,go.shape.string_1]",
                Generic::Function,
            ),
            ("main.(*T[go.shape.int]).Get", Generic::Method),
            (
                "main.T[go.shape.struct { A go.shape.int }].Get",
                Generic::Method,
            ),
            ("main.(*T[int]).Get", Generic::No),
            ("main.Map[go.shape.int].func1", Generic::No),
            ("main.(*T[go.shape.int]).Get.func1", Generic::No),
            ("main.Map[go.shape.int]-range1", Generic::No),
            ("main.f", Generic::No),
        ] {
            assert_eq!(Generic::of(name), generic, "{name}");
        }
    }

    #[test]
    fn names_of_methods() {
        for name in [
            "net/http.(*conn).serve",
            "main.T.Close",
            "gopkg.in/yaml%2ev3.(*Node).Decode",
            "main.(*T[go.shape.int,a/b.C]).Get",
        ] {
            assert!(is_method(name), "{name}");
        }
        for name in [
            "main.f",
            "main.f.func1",
            "main.(*T).f.func1",
            "main.T.f-fm",
            "main.Map[go.shape.int].func1",
            "main.glob..func1",
            "main.init.0",
        ] {
            assert!(!is_method(name), "{name}");
        }
    }
}
