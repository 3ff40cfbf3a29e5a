//! What DWARF lists of a function's parameters, results and captured variables, before anything is made of it.

use gimli::{AttributeValue, DwAt, UnitOffset};

use super::abi::Layout;
use super::captured::Loads;
use super::graph::{At, GO_DICT_INDEX};
use super::location::Said;
use super::model::TypeId;
use super::place::Where;
use super::units::Entry;
use super::{Types, TypesError, location};
use crate::Function;

/// `DW_AT_go_closure_offset`, since Go 1.23.
const GO_CLOSURE_OFFSET: DwAt = DwAt(0x2907);
/// `DW_OP_call_frame_cfa`, which is all of Go's frame bases.
const CALL_FRAME_CFA: [u8; 1] = [0x9c];
/// More variables than this are taken for corruption.
const MAX_VARIABLES: usize = 1 << 12;

/// A function as DWARF lists it.
pub(super) struct Listed {
    /// The name, which from Go 1.18 on has a generic function's type arguments in full.
    pub name: String,
    pub parameters: Vec<Item>,
    pub results: Vec<Item>,
    /// With their offsets in the closure.
    pub captured: Vec<(Item, u64)>,
    /// Other variables.
    pub others: Vec<Entry>,
    /// Is the frame base the call frame address?
    pub cfa: bool,
}

/// A variable.
pub(super) struct Item {
    pub name: String,
    pub ty: TypeId,
    pub layout: Result<Layout, TypesError>,
    /// Where it is at the function's first instruction, if DWARF says.
    pub entry: Option<Said>,
    /// The slot that the caller has made for it, if DWARF gives one; of results only.
    pub slot: Option<i64>,
    /// Which word of a generic function's dictionary points to its type.
    pub dictionary_index: Option<u64>,
    pub die: Entry,
    pub cfa: bool,
}

/// A variable's entry, with the one that it repeats for a function that was inlined elsewhere too.
struct Found<'a, 'e> {
    at: At<'a, 'e>,
    origin: Option<At<'a, 'e>>,
}

impl<'a, 'e> Found<'a, 'e> {
    fn attribute(&self, name: DwAt) -> Option<&At<'a, 'e>> {
        let has = |at: &&At<'a, 'e>| at.die.has_attr(name);
        Some(&self.at)
            .filter(has)
            .or(self.origin.as_ref().filter(has))
    }

    fn name(&self) -> String {
        self.attribute(gimli::DW_AT_name)
            .map(At::name)
            .unwrap_or_default()
    }
}

impl<'e> Types<'e> {
    pub(super) fn listed(&self, entry: Entry, address: u64) -> Result<Listed, TypesError> {
        let function = self.entry(entry.unit, entry.offset)?;
        let origin = self
            .reference(&function, gimli::DW_AT_abstract_origin)
            .map(|origin| self.entry_at(origin))
            .transpose()?;
        let cfa = matches!(
            function.die.attr_value(gimli::DW_AT_frame_base),
            Some(AttributeValue::Exprloc(base)) if base.0.slice() == CALL_FRAME_CFA
        );
        let found = self.variables(&function, origin.as_ref())?;
        let name = Found {
            at: function,
            origin,
        }
        .name();
        let mut listed = Listed {
            name,
            parameters: Vec::new(),
            results: Vec::new(),
            captured: Vec::new(),
            others: Vec::new(),
            cfa,
        };
        for variable in found {
            let closure = variable
                .attribute(GO_CLOSURE_OFFSET)
                .and_then(|at| at.number(GO_CLOSURE_OFFSET))
                .filter(|&offset| offset > 0);
            let parameter = variable.at.die.tag() == gimli::DW_TAG_formal_parameter;
            if !parameter && closure.is_none() {
                listed.others.push(variable.at.entry());
                continue;
            }
            let result = variable
                .attribute(gimli::DW_AT_variable_parameter)
                .is_some_and(|at| at.flag(gimli::DW_AT_variable_parameter));
            let item = self.item(&variable, address, cfa, result)?;
            match closure {
                Some(offset) if !parameter => listed.captured.push((item, offset)),
                _ if result => {
                    // Some are listed twice.
                    if listed.results.iter().all(|other| other.name != item.name) {
                        listed.results.push(item);
                    }
                }
                _ => {
                    let again = |other: &Item| other.name == item.name && item.name != "_";
                    if !listed.parameters.iter().any(again) {
                        listed.parameters.push(item);
                    }
                }
            }
        }
        Ok(listed)
    }

    /// What a closure captured, where only its code tells.
    pub(super) fn captured_by_code(
        &self,
        listed: &Listed,
        function: &Function<'_>,
    ) -> Result<Vec<(Item, u64)>, TypesError> {
        let loads = Loads::read(function);
        let mut found: Vec<(u64, Item, u64)> = Vec::new();
        for &other in &listed.others {
            let variable = Found {
                at: self.entry(other.unit, other.offset)?,
                origin: None,
            };
            // A name without a type is that of something inlined.
            let Ok(item) = self.item(&variable, function.entry, listed.cfa, false) else {
                continue;
            };
            let Some((layout, leaves)) = item
                .layout
                .as_ref()
                .ok()
                .and_then(|layout| Some((layout, layout.leaves.as_deref()?)))
            else {
                continue;
            };
            let place = location::find(&variable.at, layout, listed.cfa, |range, said| {
                let whole = said.somewhere.or(match said.place.pieces.as_slice() {
                    [piece] => Some(piece.at),
                    _ => None,
                });
                match whole {
                    Some(Where::Stack(slot)) if range.end == u64::MAX => {
                        loads.offset_of_slot(slot, leaves)
                    }
                    _ => loads.offset(&said.place, range.start, leaves),
                }
                .map(|offset| (range.start, offset))
            })?;
            if let Some((start, offset)) = place {
                found.push((start, item, offset));
            }
        }
        // What has the value of a captured variable later on is not one.
        found.sort_by_key(|&(start, _, offset)| (offset, start));
        found.dedup_by_key(|&mut (_, _, offset)| offset);
        Ok(found
            .into_iter()
            .map(|(_, item, offset)| (item, offset))
            .collect())
    }

    fn item(
        &self,
        variable: &Found<'_, 'e>,
        address: u64,
        cfa: bool,
        result: bool,
    ) -> Result<Item, TypesError> {
        let ty = variable
            .attribute(gimli::DW_AT_type)
            .and_then(|at| self.reference(at, gimli::DW_AT_type))
            .map(TypeId)
            .ok_or_else(|| TypesError::damaged("a variable has no type"))?;
        let layout = self.layout(ty);
        let entry = match &layout {
            Ok(layout) => location::at(&variable.at, address, layout, cfa)?,
            Err(_) => None,
        };
        let slot = match &layout {
            Ok(layout) if result => location::callers_slot(&variable.at, layout, cfa)?,
            _ => None,
        };
        let named = self.entry_at(ty.0)?;
        Ok(Item {
            name: variable.name(),
            ty,
            layout,
            entry,
            slot,
            dictionary_index: named.number(GO_DICT_INDEX),
            die: variable.at.entry(),
            cfa,
        })
    }

    /// The variables of a function, in order; those that were inlined into it are not among them.
    fn variables<'a>(
        &'a self,
        function: &At<'a, 'e>,
        origin: Option<&At<'a, 'e>>,
    ) -> Result<Vec<Found<'a, 'e>>, TypesError> {
        let mut own = Vec::new();
        let is_variable = |at: &At<'_, '_>| {
            matches!(
                at.die.tag(),
                gimli::DW_TAG_formal_parameter | gimli::DW_TAG_variable
            )
        };
        function.children(|at| {
            if is_variable(&at) && own.len() < MAX_VARIABLES {
                let origin = self.reference(&at, gimli::DW_AT_abstract_origin);
                own.push((at, origin));
            }
            Ok(())
        })?;
        let mut all = Vec::new();
        // Those that the concrete function lacks go behind the ones that they follow in the abstract one.
        let mut place = 0;
        if let Some(origin) = origin {
            origin.children(|at| {
                if at.die.tag() != gimli::DW_TAG_formal_parameter || own.len() >= MAX_VARIABLES {
                    return Ok(());
                }
                let offset = self.offset(at.number, at.die.offset());
                match own.iter().position(|(_, origin)| *origin == Some(offset)) {
                    Some(found) => place = found + 1,
                    None => {
                        own.insert(place.min(own.len()), (at, None));
                        place += 1;
                    }
                }
                Ok(())
            })?;
        }
        for (at, origin) in own {
            let origin = origin.map(|origin| self.entry_at(origin)).transpose()?;
            all.push(Found { at, origin });
        }
        Ok(all)
    }

    fn offset(&self, unit: usize, offset: UnitOffset) -> u64 {
        self.units.start(unit).saturating_add(offset.0 as u64)
    }
}
