//! What is in interfaces: values of types that are asserted.

use gobinary::{Kind, Types};
use grammar::ast::{Expression, Spanned};

use super::{
    lower::{Lowering, join},
    meaning::Value,
    scope::Scope,
    suggest,
    type_name::{self, Named},
    value::{Location, Ty, Typed, not_zero},
};
use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, escape::printable},
    ir::{Condition, ConditionKind, Extension, Input, Operator, Relation, Width, Word, WordKind},
};

/// Types that are listed where a name could be each of them.
const MAX_NAMED: usize = 8;

/// Where `itab.Type` is in `internal/abi.ITab` (`runtime.itab` before Go 1.23), after `Inter`: the same in every version from 1.19 on.
const ITAB_TYPE: i32 = 8;

impl Lowering<'_, '_> {
    /// `of.(ty)`
    pub(super) fn assertion(&mut self, of: &Expression, ty: &Spanned<String>) -> Option<Value> {
        let value = match self.value(of)? {
            Value::Typed(value) => value,
            other => return self.misfit(".(T)", of, Some(&other)),
        };
        let Kind::Interface { empty } = value.ty.kind else {
            let text = self.text(of);
            return self.fail(
                Diagnostic::new(
                    codes::OPERATOR_MISFIT,
                    format!("`{text}` is not an interface"),
                )
                .at(
                    &of.span,
                    format!("is of type {}", printable(&value.ty.short())),
                )
                .help(format!(
                    "only what interfaces hold has a type to be asserted: leave `.({})` out",
                    ty.node
                )),
            );
        };
        let (types, _) = self.signature(&of.span)?;
        let found = type_name::find(types, &ty.node);
        if let Named::Several(names) = &found {
            let name = printable(&ty.node);
            let mut diagnostic = Diagnostic::new(
                codes::UNKNOWN_GO_TYPE,
                format!("`{name}` could be {} types", names.len()),
            )
            .at(&ty.span, "which one?");
            for name in names.iter().take(MAX_NAMED) {
                diagnostic = diagnostic.help(format!("write `{}`", printable(name)));
            }
            return self.fail(diagnostic);
        }
        let Named::One(id) = found else {
            let name = printable(&ty.node);
            let Scope {
                function,
                executable,
                ..
            } = self.scope;
            let help = match suggest::go_type(&ty.node, function.name, executable, types) {
                Some(there) => format!("did you mean `{}`?", printable(&there)),
                None => "types are written as they are shown, or with their whole package path: `*net/http.Request`"
                    .to_owned(),
            };
            let mut diagnostic = Diagnostic::new(
                codes::UNKNOWN_GO_TYPE,
                format!("the executable has no type `{name}`"),
            )
            .at(&ty.span, "unknown type");
            // Before Go 1.25 DWARF leaves out types that only interfaces hold.
            if (executable.go_version()).is_some_and(|version| version.minor < 25) {
                diagnostic = diagnostic
                    .note("the DWARF of this version of Go lacks types that only interfaces hold");
            }
            return self.fail(diagnostic.help(help));
        };
        let asserted = self.ty(id, &ty.span)?;
        let described = types.get(id).ok();
        let address = described.and_then(|ty| types.runtime_address(&ty));
        let (Some(address), false) = (address, matches!(asserted.kind, Kind::Interface { .. }))
        else {
            let name = printable(&ty.node);
            let diagnostic = if matches!(asserted.kind, Kind::Interface { .. }) {
                Diagnostic::new(
                    codes::UNKNOWN_GO_TYPE,
                    format!("`{name}` is an interface, not what one holds"),
                )
                .at(&ty.span, "an interface")
                .help("write the type of the value itself, as in `.(*io/fs.PathError)`")
            } else {
                Diagnostic::new(
                    codes::UNKNOWN_GO_TYPE,
                    format!("no interface of this executable holds a value of type `{name}`"),
                )
                .at(&ty.span, "in no interface")
            };
            return self.fail(diagnostic);
        };
        let Some(is_direct) = is_direct(types, address, &asserted) else {
            let name = printable(&ty.node);
            return self.fail(
                Diagnostic::new(
                    codes::OUT_OF_REACH,
                    format!("how interfaces hold a value of type `{name}` is not known"),
                )
                .at(
                    &ty.span,
                    "the executable does not say whether it is held itself, or its address",
                ),
            );
        };
        let word = |kind| Word::new(kind, ty.span.clone());
        let first = self.reach(value.part(0, &of.span), of)?;
        let address = word(WordKind::Binary {
            operator: Operator::Add,
            left: word(WordKind::Input(Input::Bias)).into(),
            right: word(WordKind::Constant(address)).into(),
        });
        let equal = |left: Word| {
            let kind = ConditionKind::Compare {
                relation: Relation::Equal,
                signed: false,
                left: left.into(),
                right: address.into(),
            };
            Condition::new(kind, ty.span.clone())
        };
        let holds = if empty {
            equal(first)
        } else {
            let dynamic = word(WordKind::Load {
                pointer: first.clone().into(),
                offset: ITAB_TYPE,
                width: Width::Eight,
                extension: Extension::Zero,
            });
            let both = ConditionKind::And(not_zero(first).into(), equal(dynamic).into());
            Condition::new(both, ty.span.clone())
        };
        let data = self.reach(value.part(8, &of.span), of)?;
        let at = if is_direct {
            Location::Word(data.into())
        } else {
            Location::Memory {
                pointer: data.into(),
                offset: 0,
            }
        };
        Some(Value::Typed(Typed {
            ty: asserted,
            at,
            guard: join(value.guard, Some(holds)),
        }))
    }
}

/// Whether an interface that holds a value of the type has it as its second word, instead of its address. The compiler has decided that, by
/// other rules from one version to the next, so it is read from what the runtime says of the type.
fn is_direct(types: &Types<'_>, address: u64, ty: &Ty) -> Option<bool> {
    match (types.described(address), &ty.kind) {
        (Some(described), _) => Some(described.direct),
        (None, Kind::Struct { .. } | Kind::Array { .. }) => None,
        (None, kind) => Some(matches!(
            kind,
            Kind::Pointer { .. }
                | Kind::UnsafePointer
                | Kind::Map { .. }
                | Kind::Chan { .. }
                | Kind::Func
        )),
    }
}
