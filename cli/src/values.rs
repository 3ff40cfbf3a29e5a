//! What a function takes and gives back, and where it lies, for `list --verbose`.

use std::io::{self, Write};

use gobinary::{Function, Piece, Place, Signature, Types, TypesError, Variable, Where};
use serde::Serialize;

/// A function's signature.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Values {
    /// As DWARF describes it.
    Known {
        /// In Go's syntax.
        signature: String,
        parameters: Vec<Value>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        captured: Vec<Value>,
        results: Vec<Value>,
    },
    /// Not described.
    Unknown {
        /// Why.
        no_signature: String,
        /// Arguments of which only this is known.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        untyped: Vec<Vec<Part>>,
        #[serde(skip)]
        text: String,
    },
}

/// A parameter, result or captured variable.
#[derive(Serialize)]
pub struct Value {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "type")]
    ty: String,
    size: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_reference: bool,
    place: Vec<Part>,
    #[serde(skip)]
    text: String,
}

/// A part of a place.
#[derive(Serialize)]
pub struct Part {
    offset: u64,
    size: u64,
    #[serde(flatten)]
    at: At,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum At {
    Register(&'static str),
    Vector(u8),
    Stack(i64),
    Closure(u64),
    Absent(bool),
}

impl Values {
    /// What is known of a function.
    pub fn of(types: &Types<'_>, function: &Function<'_>) -> Self {
        let known = || -> Result<Self, TypesError> {
            let signature = types.signature(function)?;
            let Signature {
                parameters,
                captured,
                results,
                ..
            } = &signature;
            let values = |all: &[Variable]| -> Result<Vec<Value>, TypesError> {
                all.iter().map(|one| Value::new(types, one)).collect()
            };
            Ok(Self::Known {
                signature: types.describe(function, &signature)?,
                parameters: values(parameters)?,
                captured: values(captured)?,
                results: values(results)?,
            })
        };
        known().unwrap_or_else(|reason| {
            let untyped = types.untyped_arguments(function);
            let (places, whole) = untyped.unwrap_or_default();
            let texts = places.iter().map(Place::to_string);
            let rest = (!whole && !places.is_empty()).then(|| "…".to_owned());
            Self::Unknown {
                no_signature: reason.to_string(),
                untyped: places
                    .iter()
                    .map(|place| place.pieces.iter().map(Part::new).collect())
                    .collect(),
                text: texts.chain(rest).collect::<Vec<_>>().join("; "),
            }
        })
    }

    /// The lines below the function's own.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (signature, groups) = match self {
            Self::Unknown {
                no_signature, text, ..
            } => {
                writeln!(out, "    parameters not known: {no_signature}")?;
                if !text.is_empty() {
                    writeln!(out, "        numbers in {text}")?;
                }
                return Ok(());
            }
            Self::Known {
                signature,
                parameters,
                captured,
                results,
            } => (
                signature,
                [
                    ("", parameters),
                    ("captured ", captured),
                    ("returns ", results),
                ],
            ),
        };
        writeln!(out, "    func {}", render::escape(signature))?;
        for (what, values) in groups {
            if values.is_empty() {
                continue;
            }
            let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
            writeln!(out, "        {what}{}", render::escape(&texts.join("; ")))?;
        }
        Ok(())
    }
}

impl Value {
    fn new(types: &Types<'_>, variable: &Variable) -> Result<Self, TypesError> {
        let ty = types.get(variable.ty)?;
        let name = variable.name.as_deref().unwrap_or("_");
        let pointer = if variable.by_reference { "&" } else { "" };
        Ok(Self {
            text: if variable.place.pieces.is_empty() {
                format!("{name} has no size")
            } else {
                format!("{pointer}{name} in {}", variable.place)
            },
            name: variable.name.clone(),
            ty: ty.short_name(),
            size: ty.size,
            by_reference: variable.by_reference,
            place: variable.place.pieces.iter().map(Part::new).collect(),
        })
    }
}

impl Part {
    fn new(piece: &Piece) -> Self {
        Self {
            offset: piece.offset,
            size: piece.size,
            at: match piece.at {
                Where::Register(register) => At::Register(register.name()),
                Where::Vector(number) => At::Vector(number),
                Where::Stack(offset) => At::Stack(offset),
                Where::Closure(offset) => At::Closure(offset),
                Where::Absent => At::Absent(true),
            },
        }
    }
}
