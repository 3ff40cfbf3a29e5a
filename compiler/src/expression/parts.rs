//! Parts of values: fields and elements.

use std::collections::{HashMap, HashSet};

use gobinary::{Field, Kind};
use grammar::ast::{Expression, ExpressionKind, Span, Spanned};

use super::{
    constant::Constant,
    lower::{Lowering, join},
    meaning::Value,
    value::{Location, Ty, Typed},
};
use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, did_you_mean::nearest_word, escape::printable},
    ir::{Condition, ConditionKind, Moment, Operator, Register, Relation, When, Word, WordKind},
    shape::Step,
};

/// Embedded structs in each other that are looked into for a field.
const EMBEDDED: usize = 8;

impl<'s, 'e> Lowering<'s, 'e> {
    /// `of.name`
    pub(super) fn field(&mut self, of: &Expression, name: &Spanned<String>) -> Option<Value> {
        let whole = of.span.start..name.span.end;
        if let ExpressionKind::Name(base) = &of.kind
            && let Some(value) = self.of_no_value(base, name, &whole)?
        {
            return Some(value);
        }
        if let ExpressionKind::Name(base) = &of.kind
            && !self.is_parameter(base)
        {
            match base.as_str() {
                "arg" => return self.argument(&name.node, &whole),
                "reg" => return self.register(name, &whole),
                "ret" => {
                    if let Some(value) = self.named_result(&name.node, &whole)? {
                        return Some(value);
                    }
                }
                _ => {}
            }
        }
        let value = match self.value(of)? {
            Value::Typed(value) => value,
            other => return self.no_field(of, name, &other, &[]),
        };
        let value = self.followed(value, of)?;
        let fields = match &value.ty.kind {
            Kind::Struct { fields } => fields.clone(),
            _ => return self.no_field(of, name, &Value::Typed(value), &[]),
        };
        match self.find_field(&value, &fields, &name.node, of)? {
            Some(found) => Some(Value::Typed(found)),
            None => self.no_field(of, name, &Value::Typed(value), &fields),
        }
    }

    /// What a pointer points to; anything else as it is.
    pub(super) fn followed(&mut self, value: Typed, expression: &Expression) -> Option<Typed> {
        let Kind::Pointer { target } = value.ty.kind else {
            return Some(value);
        };
        if value.ty.is_any_pointer() {
            let text = self.text(expression);
            return self.fail(
                Diagnostic::new(
                    codes::OUT_OF_REACH,
                    format!("what `{text}` points to differs from call to call"),
                )
                .at(
                    &expression.span,
                    format!("of type {}: any pointer", printable(&value.ty.short())),
                )
                .help(format!(
                    "`args` shows it by the type of the call: args {text}"
                )),
            );
        }
        let pointer = self.reach(value.part(0, &expression.span), expression)?;
        let ty = self.ty(target, &expression.span)?;
        Some(Typed {
            ty: ty.within(&value.ty, Step::Target),
            at: Location::Memory {
                pointer: pointer.into(),
                offset: 0,
            },
            guard: value.guard,
        })
    }

    /// A field, or one of the structs embedded in it, the shallowest first.
    fn find_field(
        &mut self,
        of: &Typed,
        fields: &[Field],
        name: &str,
        expression: &Expression,
    ) -> Option<Option<Typed>> {
        let mut level = vec![(of.clone(), fields.to_vec())];
        let mut seen = HashSet::from([of.ty.id]);
        for _ in 0..EMBEDDED {
            let (mut next, mut found) = (Vec::new(), Vec::new());
            for (value, fields) in level {
                for field in &fields {
                    let part = |ty: Ty| Typed {
                        ty: ty.within(&value.ty, Step::Field(field.name.clone())),
                        at: value.at.at(field.offset),
                        guard: value.guard.clone(),
                    };
                    if field.name == name {
                        let ty = self.ty(field.ty, &expression.span)?;
                        found.push((value.ty.clone(), part(ty)));
                    } else if field.embedded {
                        let ty = self.ty(field.ty, &expression.span)?;
                        next.push(part(ty));
                    }
                }
            }
            if let [(one, _), (other, _), ..] = found.as_slice() {
                let text = self.text(expression);
                return self.fail(
                    Diagnostic::new(
                        codes::NO_SUCH_FIELD,
                        format!("`{text}.{name}` could be several fields"),
                    )
                    .at(&expression.span, "embeds more than one struct that has it")
                    .note(format!(
                        "{} and {} have it",
                        printable(&one.short()),
                        printable(&other.short())
                    ))
                    .help("name the embedded struct too"),
                );
            }
            if let Some((_, value)) = found.pop() {
                return Some(Some(value));
            }
            level = Vec::new();
            let mut here: HashMap<_, usize> = HashMap::new();
            for value in next {
                let is_struct = match value.ty.kind {
                    Kind::Pointer { target } => {
                        let ty = self.ty(target, &expression.span)?;
                        matches!(ty.kind, Kind::Struct { .. })
                    }
                    _ => matches!(value.ty.kind, Kind::Struct { .. }),
                };
                if !is_struct {
                    continue;
                }
                let value = self.followed(value, expression)?;
                // Nothing new is in a struct that was looked into before. Two at one depth have everything twice, as more would have.
                let count = here.entry(value.ty.id).or_default();
                *count += 1;
                if *count > 2 || seen.contains(&value.ty.id) {
                    continue;
                }
                if let Kind::Struct { fields } = value.ty.kind.clone() {
                    level.push((value, fields));
                }
            }
            seen.extend(here.into_keys());
            if level.is_empty() {
                break;
            }
        }
        Some(None)
    }

    fn no_field(
        &mut self,
        of: &Expression,
        name: &Spanned<String>,
        value: &Value,
        fields: &[Field],
    ) -> Option<Value> {
        let text = self.text(of);
        let field = &name.node;
        let nearest = nearest_word(field, fields.iter().map(|field| field.name.as_str()));
        let help = match value {
            Value::Typed(value) if matches!(value.ty.kind, Kind::Interface { .. }) => {
                Some(format!("say what is in it: `{text}.(*T).{field}`"))
            }
            _ if matches!(field.as_str(), "len" | "length" | "size" | "Len")
                && has_length(value) =>
            {
                Some(format!("did you mean `len({text})`?"))
            }
            _ => nearest.map(|nearest| format!("did you mean `{text}.{}`?", printable(nearest))),
        };
        let mut diagnostic = Diagnostic::new(
            codes::NO_SUCH_FIELD,
            format!("`{text}` has no field `{field}`"),
        )
        .at(&name.span, "no such field")
        .also_at(&of.span, format!("is {}", value.describe()))
        .maybe_help(help);
        if !fields.is_empty() {
            let names: Vec<String> = fields.iter().map(|f| printable(&f.name)).take(20).collect();
            let more = if fields.len() > names.len() {
                ", …"
            } else {
                ""
            };
            diagnostic = diagnostic.note(format!("its fields are {}{more}", names.join(", ")));
        }
        self.fail(diagnostic)
    }

    /// `of[index]`
    pub(super) fn index(
        &mut self,
        of: &Expression,
        index: &Expression,
        span: &Span,
    ) -> Option<Value> {
        if let ExpressionKind::Name(name) = &of.kind
            && name == "ret"
            && !self.is_parameter(name)
            && let ExpressionKind::Integer(number) = index.kind
            && !self.has_elements(&of.span)?
        {
            return self.numbered_result(number, span);
        }
        let value = match self.value(of)? {
            Value::Typed(value) => value,
            other => return self.misfit("[]", of, Some(&other)),
        };
        // Of pointers, only those to arrays are followed.
        let value = match value.ty.kind {
            Kind::Pointer { target }
                if matches!(self.ty(target, &of.span)?.kind, Kind::Array { .. }) =>
            {
                self.followed(value, of)?
            }
            _ => value,
        };
        if matches!(value.ty.kind, Kind::Map { .. }) {
            let text = self.text(of);
            return self.fail(
                Diagnostic::new(codes::OPERATOR_MISFIT, "maps cannot be searched")
                    .at(&of.span, format!("`{text}` is a map"))
                    .help(format!("only its length can be used: len({text})")),
            );
        }
        let (number, guard) = self.position(index)?;
        let element = match &value.ty.kind {
            Kind::Slice { element } | Kind::Array { element, .. } => {
                let element = self.ty(*element, &of.span)?;
                element.within(&value.ty, Step::Element)
            }
            Kind::String => Ty::built_in("uint8", 1, Kind::Uint),
            _ => return self.misfit("[]", of, Some(&Value::Typed(value))),
        };
        let guard = join(value.guard.clone(), guard);
        if let Kind::Array { length, .. } = value.ty.kind {
            return self.element_of_array(value, length, element, number, guard, of, index);
        }
        let (pointer, length) = (value.part(0, &of.span), value.part(8, &of.span));
        let (pointer, length) = (self.reach(pointer, of)?, self.reach(length, of)?);
        let at = Location::Memory {
            pointer: displaced(pointer, number, length, element.size, span).into(),
            offset: 0,
        };
        Some(Value::Typed(Typed {
            ty: element,
            at,
            guard,
        }))
    }

    /// Whether `ret` is one result that has elements itself, which `ret[0]` is then one of.
    fn has_elements(&mut self, span: &Span) -> Option<bool> {
        let (types, signature) = self.signature(span)?;
        let [result] = signature.results.as_slice() else {
            return Some(false);
        };
        let kind = types.get(result.ty).ok().map(|ty| Ty::new(&ty).kind);
        Some(match kind {
            Some(Kind::Slice { .. } | Kind::Array { .. } | Kind::String | Kind::Map { .. }) => true,
            Some(Kind::Pointer { target }) => {
                matches!(self.ty(target, span)?.kind, Kind::Array { .. })
            }
            _ => false,
        })
    }

    #[expect(clippy::too_many_arguments, reason = "all of one expression")]
    fn element_of_array(
        &mut self,
        array: Typed,
        length: u64,
        element: Ty,
        number: Word,
        guard: Option<Condition>,
        of: &Expression,
        index: &Expression,
    ) -> Option<Value> {
        if let WordKind::Constant(number) = number.kind {
            if number >= length {
                let text = self.text(of);
                let last = length.checked_sub(1);
                return self.fail(
                    Diagnostic::new(codes::CONSTANT_MISFIT, "an index past the end")
                        .at(&index.span, format!("`{text}` has {length} elements"))
                        .maybe_help(last.map(|last| format!("the last one is {text}[{last}]"))),
                );
            }
            return Some(Value::Typed(Typed {
                at: array.at.at(number.saturating_mul(element.size)),
                ty: element,
                guard,
            }));
        }
        let span = &of.span;
        let size = length.saturating_mul(element.size);
        let Some((pointer, offset)) = array.at.in_memory(size, span) else {
            return self.fail(
                Diagnostic::new(codes::OUT_OF_REACH, "this array is not in memory")
                    .at(span, "only elements with constant numbers can be read"),
            );
        };
        // The stack may have moved in between.
        let in_time = matches!(
            When::of_word(&number),
            When::Always | When::At(Moment::Entry)
        );
        if !in_time && is_on_stack(&pointer) {
            return self.fail(
                Diagnostic::new(
                    codes::OUT_OF_REACH,
                    "an array on the stack is read at entry, and this number is not known then",
                )
                .at(&index.span, "known at return")
                .also_at(span, "read at entry"),
            );
        }
        let length = Word::constant(length, span.clone());
        let pointer = displaced(pointer, number, length, element.size, span);
        Some(Value::Typed(Typed {
            ty: element,
            at: Location::Memory {
                pointer: pointer.into(),
                offset,
            },
            guard,
        }))
    }

    /// A number of an element.
    fn position(&mut self, index: &Expression) -> Option<(Word, Option<Condition>)> {
        match self.value(index)? {
            Value::Constant(constant @ (Constant::Integer(_) | Constant::Float(_))) => {
                let ty = Ty::built_in("uint", 8, Kind::Uint);
                let Ok(bits) = constant.to_integer(&ty) else {
                    return self.fail(
                        Diagnostic::new(
                            codes::CONSTANT_MISFIT,
                            "elements have whole numbers, from 0 on",
                        )
                        .at(&index.span, "no number of an element"),
                    );
                };
                Some((Word::constant(bits, index.span.clone()), None))
            }
            Value::Typed(value) if value.ty.is_integer() => {
                let word = self.reach(value.scalar(&index.span), index)?;
                Some((word, value.guard))
            }
            other => self.fail(
                Diagnostic::new(codes::OPERATOR_MISFIT, "an element is chosen by its number")
                    .at(&index.span, format!("is {}", other.describe())),
            ),
        }
    }
}

fn has_length(value: &Value) -> bool {
    let Value::Typed(value) = value else {
        return false;
    };
    matches!(
        value.ty.kind,
        Kind::String | Kind::Slice { .. } | Kind::Map { .. } | Kind::Chan { .. }
    )
}

/// `pointer + number * size`, where `number < length`.
fn displaced(pointer: Word, number: Word, length: Word, size: u64, span: &Span) -> Word {
    let word = |kind| Word::new(kind, span.clone());
    let within = ConditionKind::Compare {
        relation: Relation::Less,
        signed: false,
        left: number.clone().into(),
        right: length.into(),
    };
    let distance = match number.kind {
        WordKind::Constant(number) => word(WordKind::Constant(number.wrapping_mul(size))),
        _ if size == 1 => number,
        _ => word(WordKind::Binary {
            operator: Operator::Multiply,
            left: number.into(),
            right: word(WordKind::Constant(size)).into(),
        }),
    };
    let value = match distance.kind {
        WordKind::Constant(0) => pointer,
        _ => word(WordKind::Binary {
            operator: Operator::Add,
            left: pointer.into(),
            right: distance.into(),
        }),
    };
    word(WordKind::Checked {
        condition: Condition::new(within, span.clone()).into(),
        value: value.into(),
    })
}

/// Whether it is an address in the stack as it was at entry.
fn is_on_stack(address: &Word) -> bool {
    match &address.kind {
        WordKind::Register(register, moment) => {
            (*register, *moment) == (Register::Rsp, Moment::Entry)
        }
        WordKind::Binary { left, .. } => is_on_stack(left),
        WordKind::Checked { value, .. } => is_on_stack(value),
        _ => false,
    }
}
