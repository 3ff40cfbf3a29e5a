//! What is written as a call: lengths, conversions, and memory by itself.

use gobinary::Kind;
use grammar::ast::{Expression, Span, Spanned};

use super::{
    constant::Constant,
    lower::Lowering,
    meaning::Value,
    suggest,
    value::{Ty, Typed, not_zero},
};
use crate::{
    diagnostics::{codes, diagnostic::Diagnostic},
    ir::{Extension, Width, Word, WordKind},
};

/// Conversions to integers, by the name of the type: bytes, signed.
const CONVERSIONS: [(&str, u64, bool); 11] = [
    ("int", 8, true),
    ("int8", 1, true),
    ("int16", 2, true),
    ("int32", 4, true),
    ("int64", 8, true),
    ("uint", 8, false),
    ("uint8", 1, false),
    ("uint16", 2, false),
    ("uint32", 4, false),
    ("uint64", 8, false),
    ("uintptr", 8, false),
];

impl<'s, 'e> Lowering<'s, 'e> {
    /// `function(arguments)`
    pub(super) fn call(
        &mut self,
        function: &Spanned<String>,
        arguments: &[Expression],
        span: &Span,
    ) -> Option<Value> {
        let name = function.node.as_str();
        let conversion = CONVERSIONS.iter().find(|(word, ..)| *word == name);
        if name == "mem" || loads(name).is_some() {
            return self.memory(function, arguments, span);
        }
        let known = matches!(name, "len" | "cap" | "string") || conversion.is_some();
        if !known {
            let words = ["len", "cap", "string"].into_iter();
            let words = words.chain(CONVERSIONS.iter().map(|(word, ..)| *word));
            let nearest = suggest::function(name, words);
            let nearest = nearest.map(|word| format!("did you mean `{word}`?"));
            let help = nearest.unwrap_or_else(|| {
                "there are len(x), cap(x), conversions such as int64(x), and for memory mem(p, n), u8(p) to s64(p)".to_owned()
            });
            return self.fail(
                Diagnostic::new(
                    codes::UNKNOWN_FUNCTION,
                    format!("unknown function `{name}`"),
                )
                .at(&function.span, "cannot be called")
                .help(help),
            );
        }
        let [argument] = arguments else {
            return self.fail(
                Diagnostic::new(
                    codes::UNKNOWN_FUNCTION,
                    format!("`{name}` takes one argument"),
                )
                .at(span, format!("there are {}", arguments.len())),
            );
        };
        if let Some((_, size, signed)) = conversion {
            return self.conversion(name, *size, *signed, argument);
        }
        match self.value(argument)? {
            Value::Constant(constant) if name == "len" && constant.bytes().is_some() => {
                let length = constant.bytes().map_or(0, <[u8]>::len);
                Some(Value::Constant(Constant::Integer(length as i128)))
            }
            Value::Typed(value) if name == "string" && self.is_text(&value, argument)? => {
                let ty = Ty::built_in("string", 16, Kind::String);
                Some(Value::Typed(Typed { ty, ..value }))
            }
            Value::Typed(value) => self.length(name, value, argument, span),
            other => self.misfit(name, argument, Some(&other)),
        }
    }

    fn length(
        &mut self,
        name: &str,
        value: Typed,
        argument: &Expression,
        span: &Span,
    ) -> Option<Value> {
        let capacity = name == "cap";
        if let Kind::Pointer { target } = value.ty.kind
            && let Kind::Array { length, .. } = self.ty(target, &argument.span)?.kind
        {
            return Some(Value::Constant(Constant::Integer(length.into())));
        }
        let at = match (&value.ty.kind, capacity) {
            (Kind::String, false) => 8,
            (Kind::Slice { .. }, _) => 8 + 8 * u64::from(capacity),
            (Kind::Array { length, .. }, _) => {
                return Some(Value::Constant(Constant::Integer((*length).into())));
            }
            // The first word of what a map points to is how many entries it has, in both layouts; that of a channel is how many
            // values wait in it, its second how many may (runtime/map.go, internal/runtime/maps/map.go, runtime/chan.go).
            (Kind::Map { .. }, false) | (Kind::Chan { .. }, _) => {
                let pointer = self.reach(value.part(0, &argument.span), argument)?;
                let there = not_zero(pointer.clone());
                let load = WordKind::Load {
                    pointer: pointer.into(),
                    offset: if capacity { 8 } else { 0 },
                    width: Width::Eight,
                    extension: Extension::Zero,
                };
                let kind = WordKind::Choice {
                    condition: there.into(),
                    then: Word::new(load, span.clone()).into(),
                    otherwise: Word::constant(0, span.clone()).into(),
                };
                let mut length = Typed::word(Ty::int(), kind, span);
                length.guard = value.guard;
                return Some(Value::Typed(length));
            }
            _ => return self.misfit(name, argument, Some(&Value::Typed(value))),
        };
        let word = self.reach(value.part(at, &argument.span), argument)?;
        let mut length = Typed::word(Ty::int(), word.kind, span);
        length.guard = value.guard;
        Some(Value::Typed(length))
    }

    fn conversion(
        &mut self,
        name: &str,
        size: u64,
        signed: bool,
        argument: &Expression,
    ) -> Option<Value> {
        let ty = Ty::built_in(name, size, if signed { Kind::Int } else { Kind::Uint });
        match self.value(argument)? {
            Value::Constant(constant) => {
                let constant = match constant {
                    Constant::Duration(ns) => Constant::Integer(ns),
                    other => other,
                };
                self.integer(&constant, &ty, argument)?;
                Some(Value::Constant(constant))
            }
            Value::Typed(value) if value.ty.is_integer() => {
                let word = self.reach(value.scalar(&argument.span), argument)?;
                let extension = if signed {
                    Extension::Sign
                } else {
                    Extension::Zero
                };
                let width = ty.width().unwrap_or(Width::Eight);
                let kind = WordKind::Extend {
                    value: word.into(),
                    width,
                    extension,
                };
                let mut converted = Typed::word(ty, kind, &argument.span);
                converted.guard = value.guard;
                Some(Value::Typed(converted))
            }
            other => self.misfit(name, argument, Some(&other)),
        }
    }
}

/// What a function that reads memory reads: `u8` to `s64`.
pub(super) fn loads(name: &str) -> Option<(Width, Extension)> {
    let (extension, bits) = match name.split_at_checked(1)? {
        ("u", bits) => (Extension::Zero, bits),
        ("s", bits) => (Extension::Sign, bits),
        _ => return None,
    };
    let width = match bits {
        "8" => Width::One,
        "16" => Width::Two,
        "32" => Width::Four,
        "64" => Width::Eight,
        _ => return None,
    };
    Some((width, extension))
}
