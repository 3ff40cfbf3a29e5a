//! What the kernel captures so that values can be shown: from values with types to items, and to shapes that say how these are read.
//!
//! There is room for so much at one moment of a call. Values are planned level by level: every argument as it is in its registers or on
//! the stack, then what is behind addresses in these, and so on, those that need least first. What finds no room is said to be missing.
//!
//! *Invariant*: items depend on layouts and places only, not on names, so that functions with arguments of the same kinds share code.

mod draft;
mod group;
mod laid_out;
mod map;
mod planner;
mod reach;
mod resolved;
mod room;
mod runs;
mod visit;

use gobinary::{Function, Kind, Signature, Types, Variable};
use grammar::ast::Span;

use crate::{
    expression::{Location, Ty, Typed},
    ir::{Extension, Item, Layout, MAX_ITEMS, Moment, Width, Word},
    resolve::settings::Limits,
    shape::{Missing, Shape, ShownValue, Slot},
};
use planner::{Planner, Wanted};

pub use laid_out::Place;
pub use resolved::resolved;

/// What is captured, and how it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// In the order of their [`Layout`].
    pub items: Vec<Item>,
    /// Slots are in that layout.
    pub values: Vec<ShownValue>,
    /// At entry, in generic code: the address of the dictionary.
    pub dictionary: Option<Slot>,
}

/// An expression of `args` or `ret`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What it is called.
    pub label: String,
    /// Where it is in the program.
    pub span: Span,
    /// What it stands for ([`crate::expression::shown`]).
    pub value: Option<Typed>,
    /// What is shown for it where it is the same at every call.
    pub text: String,
}

/// All arguments of a function, then what it captured if it is a closure; or all its results.
#[must_use]
pub fn all(
    types: &Types<'_>,
    signature: &Signature,
    moment: Moment,
    limits: &Limits,
    span: &Span,
) -> Captured {
    let (variables, unnamed): (Vec<&Variable>, _) = match moment {
        Moment::Entry => {
            let parameters = signature.parameters.iter();
            (parameters.chain(&signature.captured).collect(), "_")
        }
        Moment::Return => (signature.results.iter().collect(), ""),
    };
    let wanted = variables.into_iter().map(|variable| Wanted {
        label: variable.name.clone().unwrap_or_else(|| unnamed.to_owned()),
        span: span.clone(),
        value: typed(types, variable, moment, span).map_err(Shape::Missing),
        is_expression: false,
    });
    let left_out = moment == Moment::Return && signature.results_left_out;
    let wanted: Vec<Wanted> = wanted
        .chain(left_out.then(|| not_described(span)))
        .collect();
    let is_derived = |value: &Result<Typed, _>| {
        let value = value.as_ref();
        value.is_ok_and(|value| value.ty.derived.is_some())
    };
    let dictionary = dictionary(signature, span)
        .filter(|_| moment == Moment::Entry && wanted.iter().any(|one| is_derived(&one.value)));
    Planner::new(Some(types), *limits).plan(wanted, dictionary)
}

/// The arguments, or the results, of a function without a signature: numbers, as far as the executable says where they are.
#[must_use]
pub fn undescribed(
    types: &Types<'_>,
    function: &Function<'_>,
    moment: Moment,
    limits: &Limits,
    span: &Span,
) -> Captured {
    let known = (moment == Moment::Entry)
        .then(|| types.untyped_arguments(function))
        .flatten();
    let (places, whole) = known.unwrap_or_default();
    let numbers = places.into_iter().map(|place| {
        let size = place.pieces.iter().map(|piece| piece.size).sum();
        let at = Location::Pieces {
            place,
            moment,
            offset: 0,
        };
        Wanted {
            value: Ok(Typed {
                ty: Ty::built_in("uintptr", size, Kind::Uint),
                at,
                guard: None,
            }),
            ..not_described(span)
        }
    });
    let rest = (!whole).then(|| not_described(span));
    let wanted: Vec<Wanted> = numbers.chain(rest).collect();
    Planner::new(Some(types), *limits).plan(wanted, None)
}

/// Stands for all values that the executable does not tell of.
fn not_described(span: &Span) -> Wanted {
    Wanted {
        label: String::new(),
        span: span.clone(),
        value: Err(Shape::Missing(Missing::NotDescribed)),
        is_expression: false,
    }
}

/// In generic code, the address of the dictionary, at entry.
pub(crate) fn dictionary(signature: &Signature, span: &Span) -> Option<Word> {
    let at = Location::Pieces {
        place: signature.dictionary.clone()?,
        moment: Moment::Entry,
        offset: 0,
    };
    at.part(0, Width::Eight, Extension::Zero, span).ok()
}

impl Captured {
    /// Is there a value whose type the dictionary has?
    pub(crate) fn is_derived(&self) -> bool {
        self.values.iter().any(|value| value.derived.is_some())
    }

    /// Captures the address of the dictionary too, where there is room for it.
    pub(crate) fn add_dictionary(&mut self, address: Word) {
        let at = Layout::new(&self.items).size;
        if self.items.len() < MAX_ITEMS && at + 8 <= ebpf_templates::CAPTURE_MAX {
            let item = u8::try_from(self.items.len()).ok();
            let slot = item.zip(u16::try_from(at).ok());
            self.dictionary = slot.map(|(item, at)| Slot { item, at });
            self.items.push(Item::Word(address));
        }
    }
}

/// These expressions. Without types nothing behind addresses is shown.
#[must_use]
pub fn some(types: Option<&Types<'_>>, asked: Vec<Asked>, limits: &Limits) -> Captured {
    let wanted = asked.into_iter().map(|asked| Wanted {
        label: asked.label,
        span: asked.span,
        value: asked.value.ok_or(Shape::Constant(asked.text)),
        is_expression: true,
    });
    Planner::new(types, *limits).plan(wanted.collect(), None)
}

fn typed(
    types: &Types<'_>,
    variable: &Variable,
    moment: Moment,
    span: &Span,
) -> Result<Typed, Missing> {
    let ty = types.get(variable.ty).map_err(|_| Missing::UnknownType)?;
    let at = Location::Pieces {
        place: variable.place.clone(),
        moment,
        offset: 0,
    };
    let at = if variable.by_reference {
        let address = at.part(0, Width::Eight, Extension::Zero, span)?;
        Location::Memory {
            pointer: address.into(),
            offset: 0,
        }
    } else {
        at
    };
    Ok(Typed {
        ty: Ty::new(&ty).derived_from(variable),
        at,
        guard: None,
    })
}
